import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import type { Machine } from "../../../components/machines/machine.ts";
import { MigPartitions } from "../../../components/gpu/mig-partitions.ts";
import { driverVariables } from "../../../components/gpu/nvidia-driver.ts";
import { planGpus } from "../../../gpu/index.ts";
import { mockedResources } from "../../support/mocks.ts";

mockedResources();

it("gives a machine the driver of the cluster file, with the plan of its GPUs", async () => {
  const request = { model: "a100-80gb", pciAddress: undefined, pretended: false, count: 1, migProfiles: [] };
  const driver = driverVariables({
    ...{ source: "nvidia", branch: undefined, version: "580.*", modules: "open", bake: true },
    repository: { uri: "https://packages.example.org/cuda/", key: "a key" },
  });
  const machine = { name: "lab-compute-01", kind: "vm" } as Machine;
  const { play } = new MigPartitions("gpus", { machine, gpus: planGpus([request]).plan, driver });
  const variables = await new Promise((resolve) => {
    pulumi.output(play.variables).apply(resolve);
  });
  expect(variables).toMatchObject({
    nvidia_driver_source: "nvidia",
    nvidia_driver_version: "580.*",
    nvidia_repository_uri: "https://packages.example.org/cuda/",
    nvidia_plans: { "lab-compute-01": [{ index: 0 }] },
  });
});
