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

test("an image that is not built yet is named as in the file, with where it was looked for and who starts from it", () => {
  expect(missingImages(site(validText("old-worker-map")))).toEqual([
    expect.stringMatching(
      /^clusters\.hpc: base_image_path: build\/.*hpc-controller\.qcow2, which is \/nowhere\/build\/.*, is not there; .* \(controller\)$/,
    ),
    expect.stringMatching(/hpc-compute\.qcow2.* \(compute-01\)$/),
    expect.stringMatching(/^clusters\.cloud: .* \(control-plane, cpu-worker-01\)$/),
  ]);
});

test("an image is relative to the project's folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ai-how-images-"));
  const text = validText("old-no-network").replaceAll(/build\/packer\/.*\/([a-z-]+)\.qcow2/g, "$1.qcow2");
  expect(missingImages(site(text, folder))).toHaveLength(2);
  for (const name of ["hpc-controller", "cloud-base"]) await writeFile(join(folder, `${name}.qcow2`), "");
  expect(missingImages(site(text, folder))).toEqual([]);
});

test("a device that two VMs share is fine as long as one of them does not start", () => {
  expect(sharedDevices(site(validText("old-main-example")))).toEqual([]);
  expect(sharedDevices(site(validText("old-shared-gpu-running")))).toHaveLength(1);
});

test("mediated devices of one GPU are slices of it", () => {
  expect(sharedDevices(site(validText("vgpus")))).toEqual([]);
});

test("real GPUs whose partitions are derived are named, pretended ones are not", () => {
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
    "test-cloud-cpu-gpu-worker-01: the partitions of GPU 0 (A100 80GB) are derived, not read from such a GPU",
  ]);
  expect(derivedPartitions(site(workstation("a100-80gb", true)))).toEqual([]);
  expect(derivedPartitions(site(workstation("h100-80gb", false)))).toEqual([]);
});
