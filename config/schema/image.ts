import { z } from "zod";
import { withValue } from "./fields.ts";

const source = z
  .union([
    z.enum(["cloud", "mmdebstrap"]),
    z
      .strictObject({
        url: z
          .url({ protocol: /^(https?|file)$/, error: withValue("is not an http, https or file URL") })
          .describe("URL of the disk image: http, https or file."),
        checksum: z
          .string()
          .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, {
            error: "is not a checksum: use sha256:... or sha512:..., as published with the image",
          })
          .describe("Checksum, `sha256:...` or `sha512:...`. An image with another checksum is an error."),
      })
      .describe("A disk image of the same distribution, with cloud-init."),
  ])
  .optional()
  .describe(
    "Image that Packer boots. cloud: the distribution's cloud image, pinned by its checksum. mmdebstrap: an image that mmdebstrap " +
      "builds. Or a URL and checksum. Only with builder: packer. Default: cloud.",
  );

/** An image that ai-how builds. */
export const image = z
  .strictObject({
    distribution: z.enum(["debian12", "ubuntu2404"]).describe("Distribution of the image."),
    builder: z
      .enum(["mmdebstrap", "packer"])
      .default("mmdebstrap")
      .describe(
        "Builder. mmdebstrap: one image for all nodes, from packages. packer: one image for the controller and one for compute nodes, " +
          "by booting another image. Default: mmdebstrap.",
      ),
    source,
    mirror: z
      .url({ protocol: /^https?$/, error: "is not an http or https URL" })
      .optional()
      .describe("URL of the package mirror for mmdebstrap. Default: the distribution's."),
  })
  .check(({ value, issues }) => {
    if (value.builder === "mmdebstrap" && value.source !== undefined) {
      const message = "needs builder: packer; remove it";
      issues.push({ code: "custom", path: ["source"], input: value.source, message });
    }
    if (value.builder === "packer" && value.source !== "mmdebstrap" && value.mirror !== undefined) {
      const message = "needs source: mmdebstrap; a cloud image has its own package sources";
      issues.push({ code: "custom", path: ["mirror"], input: value.mirror, message });
    }
  })
  .describe("An image that ai-how builds. Use it instead of base_image_path.");

export type Image = z.output<typeof image>;
