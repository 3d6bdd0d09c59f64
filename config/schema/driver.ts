import { z } from "zod";
import { withValue, text } from "./fields.ts";

const repository = z
  .strictObject({
    uri: z
      .url({ protocol: /^https?$/, error: withValue("is not an http or https URL") })
      .describe("Address of the repository, with the folder of the distribution."),
    key: z
      .string()
      .regex(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/, { error: "is no ASCII-armoured public key" })
      .describe("The ASCII-armoured public key that signs it."),
  })
  .describe("NVIDIA's package repository. Only with source: nvidia.");

/** NVIDIA's driver on the nodes of a cluster that have its GPUs. */
export const driver = z
  .strictObject({
    source: z
      .enum(["distribution", "nvidia", "none"])
      .default("distribution")
      .describe(
        "Where it comes from: distribution, Debian's non-free or Ubuntu's restricted; nvidia, its makers' repository; none, " +
          "somebody else has installed it with its nvidia-persistenced.service. Default: distribution.",
      ),
    branch: text
      .optional()
      .describe("Ubuntu's branch of it, for example 580-server; required there with source: distribution."),
    version: text
      .optional()
      .describe("Version of its packages as apt knows it, for example 535.261.03-*. Default: the newest."),
    modules: z
      .enum(["open", "proprietary"])
      .default("open")
      .describe(
        "Kernel modules: open, for Turing and newer and the only ones for Blackwell; or proprietary. Default: open.",
      ),
    repository: repository.optional(),
    bake: z
      .boolean()
      .default(true)
      .describe(
        "Whether images of nodes with GPUs are built with it; else it is installed on each. Default: true.",
      ),
  })
  .superRefine(({ source, repository: of }, context) => {
    if (source === "nvidia" && of === undefined)
      context.addIssue({ code: "custom", path: ["repository"], message: "is required with source: nvidia" });
    if (source !== "nvidia" && of !== undefined)
      context.addIssue({
        code: "custom",
        path: ["repository"],
        message: "is for source: nvidia; leave it out",
      });
  })
  .describe("NVIDIA's driver on nodes that have its GPUs; one that is only pretended needs none.");

export type DriverConfig = z.output<typeof driver>;
