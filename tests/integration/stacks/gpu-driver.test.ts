import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";
import type { StackResource } from "../../../engine/engine.ts";
import { nameOf } from "../../../wire/urn.ts";
import { preview } from "../../support/plan.ts";
import { repository } from "../../support/project.ts";

const DRIVER = { source: "nvidia", version: "580.*" };
const REPOSITORY = {
  uri: "https://packages.example.org/cuda/debian12/x86_64/",
  key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----\n",
};
const EXPECTED = {
  nvidia_driver_source: "nvidia",
  nvidia_driver_version: "580.*",
  nvidia_kernel_modules: "open",
  nvidia_repository_uri: REPOSITORY.uri,
  nvidia_repository_key: REPOSITORY.key,
};

/** The example of a workstation with another builder and driver. */
async function resourcesWith(builder: string | undefined, driver: object): Promise<readonly StackResource[]> {
  const file = parseDocument(await readFile(join(repository, "stacks/workstation.yaml"), "utf8"));
  if (builder !== undefined) file.setIn(["clusters", "hpc", "image", "builder"], builder);
  file.setIn(["clusters", "hpc", "driver"], file.createNode(driver));
  const { resources, failures } = await preview("workstation", file.toString(), "vm");
  expect(failures).toEqual([]);
  return resources;
}

/** What images of the HPC cluster are baked with, by the name of the image. */
function bakedWith(resources: readonly StackResource[]): Record<string, unknown> {
  const images = resources.filter(({ type }) => /^host:index:(Packer)?Image$/.test(type));
  return Object.fromEntries(
    images
      .filter(({ urn }) => nameOf(urn).startsWith("hpc"))
      .map(({ urn, inputs }) => [nameOf(urn), inputs.roleVariables ?? {}]),
  );
}

it("reaches the image of GPU nodes, and no other", async () => {
  const resources = await resourcesWith(undefined, { ...DRIVER, repository: REPOSITORY });
  const baked = bakedWith(resources);
  expect(Object.values(baked)).toHaveLength(2);
  expect(baked["hpc-image-image"]).toEqual({});
  expect(baked["hpc-image-2-image"]).toMatchObject({ ...EXPECTED, nvidia_bake_driver: "true" });
});

it("reaches Packer's image of the compute nodes", async () => {
  const baked = bakedWith(await resourcesWith("packer", { ...DRIVER, repository: REPOSITORY }));
  expect(z.record(z.string(), z.unknown()).parse(baked)).toMatchObject({
    "hpc-controller-image-image": {},
    "hpc-compute-image-image": { ...EXPECTED, nvidia_bake_driver: "true" },
  });
});

it("is in no image where the file does not want it there, or somebody else has installed it", async () => {
  for (const driver of [{ bake: false }, { source: "none" }]) {
    for (const variables of Object.values(bakedWith(await resourcesWith(undefined, driver))))
      expect(variables).toEqual({});
  }
});
