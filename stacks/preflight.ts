import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";
import type { Site } from "../config/site.ts";

/**
 * What a preview warns of and an `up` refuses, since it can be mended until then: images that are not built yet, and
 * devices that two VMs would start with.
 */
export function assertReady(site: Site): void {
  for (const note of derivedPartitions(site)) void pulumi.log.info(note);
  const problems = [...missingImages(site), ...sharedDevices(site)];
  if (problems.length === 0) return;
  if (!pulumi.runtime.isDryRun())
    throw new UserError("this cluster file cannot be brought up yet", { details: problems });
  for (const problem of problems) void pulumi.log.warn(problem);
}

/** The image files that do not exist, each with the nodes that start from it. */
export function missingImages({ clusters }: Site): string[] {
  return clusters.flatMap(({ kind, nodes }) => {
    const byPath = Map.groupBy(
      nodes
        .filter((node) => node.kind === "virtual")
        .filter(({ image }) => image.kind === "file" && !existsSync(image.path)),
      ({ image }) => (image.kind === "file" ? image.path : ""),
    );
    return [...byPath].map(([path, [first, ...others]]) => {
      const given = first?.image.kind === "file" ? first.image.given : path;
      const names = [first, ...others].map((node) => node?.shortName).join(", ");
      const where = given === path ? "" : `, which is ${path},`;
      return `clusters.${kind}: base_image_path: ${given}${where} is not there; build it before up (${names})`;
    });
  });
}

/** PCI devices that more than one VM would start with; mediated devices of one GPU are slices of it, and no such thing. */
export function sharedDevices({ clusters }: Site): string[] {
  const claims = clusters.flatMap(({ nodes }) =>
    nodes
      .filter((node) => node.kind === "virtual")
      .filter(({ autoStart }) => autoStart)
      .flatMap(({ name, passthrough, gpus }) => [
        ...passthrough.map(({ pciAddress }) => ({ name, pciAddress, isSlice: false })),
        ...gpus.flatMap(({ pciAddress, vgpu }) =>
          pciAddress === undefined || vgpu === undefined
            ? []
            : [{ name, pciAddress, isSlice: vgpu.backend === "mdev" }],
        ),
      ]),
  );
  return [...Map.groupBy(claims, ({ pciAddress }) => pciAddress)]
    .filter(([, claimants]) => claimants.length > 1 && !claimants.every(({ isSlice }) => isSlice))
    .map(([address, claimants]) => {
      const names = claimants.map(({ name }) => name).join(" and ");
      return `${address}: ${names} would both start with it; set auto_start: false for one of them`;
    });
}

/** Real GPUs that are cut where nobody has read from such a GPU that they can be. */
export function derivedPartitions({ clusters }: Site): string[] {
  return clusters.flatMap(({ nodes }) =>
    nodes.flatMap(({ name, gpuPlan }) =>
      gpuPlan
        .filter(
          ({ known, placements, pretended }) =>
            known?.derived === true && placements.length > 0 && !pretended,
        )
        .map(
          ({ index, known }) =>
            `${name}: the partitions of GPU ${index} (${known?.name ?? ""}) are derived, not read from such a GPU`,
        ),
    ),
  );
}
