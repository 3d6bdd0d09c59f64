import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { deriveSite, parseClusterText, type Site } from "../../../config/index.ts";
import { UserError } from "../../../config/errors.ts";
import { dev } from "../../../stacks/dev.ts";
import { workstation } from "../../../stacks/workstation.ts";
import { validText } from "../config/fixtures.ts";

/** A valid file, with images of Packer's for one of its clusters. */
function sitePackedIn(name: string, cluster: "hpc" | "cloud"): Site {
  const file = parseDocument(validText(name));
  file.deleteIn(["clusters", cluster, "base_image_path"]);
  file.setIn(["clusters", cluster, "image"], { distribution: "debian12", builder: "packer" });
  return deriveSite(parseClusterText(file.toString(), { env: {} }).config);
}

const detailsOf = (error: unknown) => (error instanceof UserError ? error.details : error);

test("the target dev builds one image for all nodes, and no images of Packer's", async () => {
  const details = await dev(sitePackedIn("minimal-hpc", "hpc")).catch(detailsOf);
  expect(details).toEqual([
    "clusters.hpc: image.builder: packer: the target dev does not build this; leave it out",
  ]);
});

test("the target workstation knows Packer's images for SLURM's nodes only", async () => {
  const daemons = { libvirtUri: "test:///default", dockerHost: undefined };
  const details = await workstation(sitePackedIn("minimal-cloud", "cloud"), daemons).catch(detailsOf);
  expect(details).toEqual([
    "clusters.cloud: image.builder: packer makes images of SLURM's nodes; leave it out",
  ]);
});

test("the target dev builds no workshop", async () => {
  const { config } = parseClusterText(`${validText("minimal-hpc")}\nworkshop:\n  temporal: {}\n`, {
    env: {},
  });
  expect(await dev(deriveSite(config)).catch(detailsOf)).toContain(
    "workshop: the target dev does not build this; leave it out",
  );
});
