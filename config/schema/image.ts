import { z } from "zod";
import { withValue } from "./fields.ts";

const source = z
  .union([
    z.enum(["cloud", "mmdebstrap"]),
    z
      .strictObject({
        url: z
          .url({ protocol: /^(https?|file)$/, error: withValue("is not an http, https or file URL") })
          .describe("Where the disk image is: an http, https or file URL."),
        checksum: z
          .string()
          .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, {
            error: "is not sha256:... or sha512:... as it is published beside the image",
          })
          .describe("Its checksum, `sha256:...` or `sha512:...`; anything else is refused."),
      })
      .describe("Another disk image with cloud-init, of the same distribution."),
  ])
  .optional()
  .describe(
    "What Packer begins with: cloud, the distribution's cloud image whose checksum ai-how knows; mmdebstrap, the image " +
      "that this builder makes; or a URL and checksum. Default: cloud. Only with builder: packer.",
  );

/** A golden image that this program builds. */
export const image = z
  .strictObject({
    distribution: z.enum(["debian12", "ubuntu2404"]).describe("Which distribution the image is built from."),
    builder: z
      .enum(["mmdebstrap", "packer"])
      .default("mmdebstrap")
      .describe(
        "What builds it: mmdebstrap from packages, one for all nodes; packer by booting another image, one for the " +
          "controller and one for compute nodes. Default: mmdebstrap.",
      ),
    source,
    mirror: z
      .url({ protocol: /^https?$/, error: "is not an http or https URL" })
      .optional()
      .describe(
        "Package mirror that mmdebstrap builds from, an http(s) URL. Default: the distribution's own.",
      ),
  })
  .check(({ value, issues }) => {
    if (value.builder === "mmdebstrap" && value.source !== undefined) {
      const message = "is for builder: packer; leave it out";
      issues.push({ code: "custom", path: ["source"], input: value.source, message });
    }
    if (value.builder === "packer" && value.source !== "mmdebstrap" && value.mirror !== undefined) {
      const message = "is for source: mmdebstrap; a cloud image has its own package sources";
      issues.push({ code: "custom", path: ["mirror"], input: value.mirror, message });
    }
  })
  .describe("A golden image that is built here, instead of base_image_path.");

export type Image = z.output<typeof image>;
