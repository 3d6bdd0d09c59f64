import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";
import type { Site } from "../config/site.ts";

/**
 * Checks what the user can still change before `up`: image files that are missing, and devices that two VMs with auto_start share.
 * A preview warns; `up` throws one error with all problems.
 */
export function assertReady(site: Site): void {
  for (const note of derivedPartitions(site)) void pulumi.log.info(note);
  const problems = [...missingImages(site), ...sharedDevices(site)];
  if (problems.length === 0) return;
  if (!pulumi.runtime.isDryRun())
    throw new UserError("this cluster file is not ready for up", { details: problems });
  for (const problem of problems) void pulumi.log.warn(problem);
}

/** Messages for image files that do not exist, each with the nodes that use it. */
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
      return `clusters.${kind}: base_image_path: ${given}${where} does not exist; build it before up (${names})`;
    });
  });
}

/** Messages for PCI devices of several VMs with auto_start. Mediated devices may share their parent GPU. */
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
      return `${address}: ${names} share it and both start; set auto_start: false for one of them`;
    });
}

/** Messages for real GPUs whose planned partitions are not confirmed by a listing from such a GPU. */
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
            `${name}: the partitions of GPU ${index} (${known?.name ?? ""}) are derived from a similar GPU, not read from hardware`,
        ),
    ),
  );
}
