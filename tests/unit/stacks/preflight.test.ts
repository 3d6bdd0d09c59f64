import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { deriveSite, parseClusterText, type Site } from "../../../config/index.ts";
import { derivedPartitions, missingImages, sharedDevices } from "../../../stacks/preflight.ts";
import { validText } from "../config/fixtures.ts";

function site(text: string, folder = "/nowhere"): Site {
  return deriveSite(parseClusterText(text, { env: { HOME: "/root" } }).config, { folder });
}

test("a missing image is reported with its path in the file, its absolute path and its nodes", () => {
  const message = (cluster: string, image: string, nodes: string): string => {
    const path = `build/packer/${image}/${image}/${image}.qcow2`;
    return `clusters.${cluster}: base_image_path: ${path}, which is /nowhere/${path}, does not exist; build it before up (${nodes})`;
  };
  expect(missingImages(site(validText("old-worker-map")))).toEqual([
    message("hpc", "hpc-controller", "controller"),
    message("hpc", "hpc-compute", "compute-01"),
    message("cloud", "cloud-base", "control-plane, cpu-worker-01"),
  ]);
});

test("image paths are relative to the project's folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ai-how-images-"));
  const text = validText("old-no-network").replaceAll(/build\/packer\/.*\/([a-z-]+)\.qcow2/g, "$1.qcow2");
  expect(missingImages(site(text, folder))).toHaveLength(2);
  for (const name of ["hpc-controller", "cloud-base"]) await writeFile(join(folder, `${name}.qcow2`), "");
  expect(missingImages(site(text, folder))).toEqual([]);
});

test("two VMs may share a device if one of them does not start", () => {
  expect(sharedDevices(site(validText("old-main-example")))).toEqual([]);
  expect(sharedDevices(site(validText("old-shared-gpu-running")))).toHaveLength(1);
});

test("VMs may share the parent of mediated devices", () => {
  expect(sharedDevices(site(validText("vgpus")))).toEqual([]);
});

test("derived partitions are reported for real GPUs, not for pretended ones", () => {
  const workstation = (model: string, pretend: boolean): string => {
    const file = parse(validText("old-cloud-only")) as { clusters: { cloud: { worker_nodes: object[] } } };
    const [worker] = file.clusters.cloud.worker_nodes;
    const gpu = {
      model,
      mig: { profiles: ["7g.80gb"] },
      ...(pretend ? { pretend } : { pci_address: "0000:41:00.0" }),
    };
    file.clusters.cloud.worker_nodes = [{ ...worker, gpus: [gpu] }];
    return stringify(file);
  };
  expect(derivedPartitions(site(workstation("a100-80gb", false)))).toEqual([
    "test-cloud-cpu-gpu-worker-01: the partitions of GPU 0 (A100 80GB) are derived from a similar GPU, not read from hardware",
  ]);
  expect(derivedPartitions(site(workstation("a100-80gb", true)))).toEqual([]);
  expect(derivedPartitions(site(workstation("h100-80gb", false)))).toEqual([]);
});
