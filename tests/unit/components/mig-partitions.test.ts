import { expect, it } from "vitest";
import type { Machine } from "../../../components/machines/machine.ts";
import { migPartitions } from "../../../components/gpu/mig-partitions.ts";
import { driverVariables } from "../../../components/gpu/nvidia-driver.ts";
import { planGpus } from "../../../gpu/index.ts";

it("passes the driver of the cluster file and the GPU plan to role nvidia", () => {
  const request = { model: "a100-80gb", pciAddress: undefined, pretended: false, count: 1, migProfiles: [] };
  const driver = driverVariables({
    ...{ source: "nvidia", branch: undefined, version: "580.*", modules: "open", bake: true },
    repository: { uri: "https://packages.example.org/cuda/", key: "a key" },
  });
  const machine = { name: "lab-compute-01", kind: "vm" } as Machine;
  const { variables } = migPartitions({ machine, gpus: planGpus([request]).plan, driver });
  expect(variables).toMatchObject({
    nvidia_driver_source: "nvidia",
    nvidia_driver_version: "580.*",
    nvidia_repository_uri: "https://packages.example.org/cuda/",
    nvidia_plans: { "lab-compute-01": [{ index: 0 }] },
  });
});
