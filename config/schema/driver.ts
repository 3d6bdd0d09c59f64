import { z } from "zod";
import { withValue, text } from "./fields.ts";

const repository = z
  .strictObject({
    uri: z
      .url({ protocol: /^https?$/, error: withValue("is not an http or https URL") })
      .describe("URL of the repository, including the folder of the distribution."),
    key: z
      .string()
      .regex(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/, { error: "is not an ASCII-armoured public key" })
      .describe("Public key of the repository, ASCII-armoured."),
  })
  .describe("NVIDIA's package repository. Only with source: nvidia.");

/** NVIDIA's driver on nodes with real GPUs. */
export const driver = z
  .strictObject({
    source: z
      .enum(["distribution", "nvidia", "none"])
      .default("distribution")
      .describe(
        "Source of the driver. distribution: Debian's non-free or Ubuntu's restricted. nvidia: NVIDIA's repository. none: you have " +
          "installed the driver, with nvidia-persistenced.service. Default: distribution.",
      ),
    branch: text
      .optional()
      .describe(
        "Branch of Ubuntu's packages, for example 580-server. Required on Ubuntu with source: distribution.",
      ),
    version: text
      .optional()
      .describe("Version of the packages in apt's format, for example 535.261.03-*. Default: the newest."),
    modules: z
      .enum(["open", "proprietary"])
      .default("open")
      .describe(
        "Kernel modules: open (Turing and newer; required for Blackwell) or proprietary. Default: open.",
      ),
    repository: repository.optional(),
    bake: z
      .boolean()
      .default(true)
      .describe(
        "Whether to build the driver into images of nodes with GPUs. False: install it on each node. Default: true.",
      ),
  })
  .superRefine(({ source, repository: of }, context) => {
    if (source === "nvidia" && of === undefined)
      context.addIssue({ code: "custom", path: ["repository"], message: "is required with source: nvidia" });
    if (source !== "nvidia" && of !== undefined)
      context.addIssue({
        code: "custom",
        path: ["repository"],
        message: "needs source: nvidia; remove it",
      });
  })
  .describe("NVIDIA's driver on nodes with real GPUs. Pretended GPUs need no driver.");

export type DriverConfig = z.output<typeof driver>;
