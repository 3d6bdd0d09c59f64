import { z } from "zod";

/** A golden image that this program builds. */
export const image = z
  .strictObject({
    distribution: z.enum(["debian12", "ubuntu2404"]).describe("Which distribution the image is built from."),
    mirror: z
      .url({ protocol: /^https?$/, error: "is not an http or https URL" })
      .optional()
      .describe("Package mirror to build from, an http(s) URL. Default: the distribution's own."),
  })
  .describe("A golden image that is built here, instead of base_image_path.");

export type Image = z.output<typeof image>;
