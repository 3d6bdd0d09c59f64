import { expect, test } from "vitest";
import { parse } from "yaml";
import {
  creationOrder,
  findGpuModel,
  gpuModels,
  gresConf,
  gresParameter,
  kubernetesResources,
  migParted,
  nodeLabels,
  nvidiaGpus,
  planGpus,
  pretendedDevices,
  shardsOf,
  whyUnpartitioned,
  type GpuRequest,
} from "../../../gpu/index.ts";

const request = (some: Partial<GpuRequest>): GpuRequest => ({
  model: undefined,
  pciAddress: undefined,
  pretended: false,
  count: 1,
  migProfiles: [],
  ...some,
});
const planOf = (...some: Partial<GpuRequest>[]) => planGpus(some.map(request)).plan;
const messages = (...some: Partial<GpuRequest>[]) =>
  planGpus(some.map(request)).problems.map(({ message }) => message);

const mixed = planOf(
  { model: "a100-40gb", migProfiles: ["3g.20gb", "1g.5gb", "1g.5gb"] },
  { model: "a100-40gb", migProfiles: ["1g.5gb+me"] },
  { model: "H100 NVL", count: 2 },
);

test("SLURM has a gres type for each profile, and for each model of whole GPUs", () => {
  expect(gresParameter(mixed)).toBe("gpu:3g.20gb:1,gpu:1g.5gb:2,gpu:1g.5gb+me:1,gpu:h100:2");
  // Role nvidia writes the lines of real GPUs on the node.
  expect(gresConf("node", mixed)).toEqual([]);
  expect(gresParameter([])).toBeUndefined();
  expect(gresConf("node", [])).toEqual([]);
  expect(gresParameter(planOf({ pciAddress: "0000:01:00.0" }))).toBe("gpu:1");
  expect(gresParameter(planOf({ model: "GeForce RTX 4090" }))).toBe("gpu:rtx_4090:1");
});

test("each pretended GPU and partition has a file, numbered across the node", () => {
  const plan = planOf(
    { model: "a30", pretended: true, migProfiles: ["2g.12gb", "1g.6gb", "1g.6gb"] },
    { model: "t4", pretended: true, count: 2 },
  );
  expect(gresConf("c1", plan)).toEqual([
    "NodeName=c1 Name=gpu Type=2g.12gb File=/var/lib/ai-how/pretended-gpu/gpu[0-0]",
    "NodeName=c1 Name=gpu Type=1g.6gb File=/var/lib/ai-how/pretended-gpu/gpu[1-2]",
    "NodeName=c1 Name=gpu Type=t4 File=/var/lib/ai-how/pretended-gpu/gpu[3-4]",
  ]);
  expect(pretendedDevices(plan)).toEqual(["2g.12gb", "1g.6gb", "1g.6gb", "t4", "t4"]);
  expect(pretendedDevices(mixed)).toEqual([]);
  expect(nodeLabels(plan)).toMatchObject({ "ai-how/gpu.pretended": "true" });
});

test("a GPU has as many shards as time slices", () => {
  const real = planOf({ model: "gb10", timeSlices: 4 }, { model: "gb10" });
  expect(gresParameter(real)).toBe("gpu:gb10:2,shard:4");
  expect(kubernetesResources(real)).toEqual({ "nvidia.com/gpu.shared": 4, "nvidia.com/gpu": 1 });
  expect(nvidiaGpus(real, "guest").map((gpu) => gpu.time_slices)).toEqual([4, undefined]);
  expect(parse(migParted(real))).toMatchObject({
    "mig-configs": { "ai-how": [{ devices: [0], "mig-enabled": false }, { "mig-enabled": false }] },
  });

  const pretended = planOf(
    { model: "a30", pretended: true, migProfiles: ["1g.6gb"] },
    { model: "gb10", pretended: true, count: 2, timeSlices: 3 },
  );
  expect(gresConf("c1", pretended)).toEqual([
    "NodeName=c1 Name=gpu Type=1g.6gb File=/var/lib/ai-how/pretended-gpu/gpu[0-0]",
    "NodeName=c1 Name=gpu Type=gb10 File=/var/lib/ai-how/pretended-gpu/gpu[1-2]",
    "NodeName=c1 Name=shard Count=3 File=/var/lib/ai-how/pretended-gpu/gpu1",
    "NodeName=c1 Name=shard Count=3 File=/var/lib/ai-how/pretended-gpu/gpu2",
  ]);
  expect(shardsOf(pretended)).toBe(6);
});

test("Kubernetes resources have the device plugin's names", () => {
  expect(kubernetesResources(mixed)).toEqual({
    "nvidia.com/mig-3g.20gb": 1,
    "nvidia.com/mig-1g.5gb": 2,
    "nvidia.com/mig-1g.5gb.me": 1,
    "nvidia.com/gpu": 2,
  });
  expect(nodeLabels(mixed)).toEqual({
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.count": "4",
    "nvidia.com/mig.strategy": "mixed",
  });
});

test("mig-parted gets counts, nvidia-smi gets IDs with placements", () => {
  expect(parse(migParted(mixed))).toEqual({
    version: "v1",
    "mig-configs": {
      "ai-how": [
        { devices: [0], "mig-enabled": true, "mig-devices": { "3g.20gb": 1, "1g.5gb": 2 } },
        { devices: [1], "mig-enabled": true, "mig-devices": { "1g.5gb+me": 1 } },
        { devices: [2], "mig-enabled": false },
        { devices: [3], "mig-enabled": false },
      ],
    },
  });
  expect(mixed.map(creationOrder)).toEqual([["9:0", "19:4", "19:5"], ["20:0"], [], []]);
});

test("problems say what to do", () => {
  expect(messages({ model: "gb10", migProfiles: ["1g.5gb"] })).toEqual([
    "gb10 does not support MIG; use time_slices to share it",
  ]);
  expect(messages({ migProfiles: ["9g.1gb"] })).toEqual([
    "no known GPU supports 9g.1gb together; set `model`",
  ]);
  expect(messages({ model: "rtx-pro-5000", migProfiles: ["1g.24gb"] })[0]).toContain(
    "at most two partitions",
  );
});

test("without a model, partitions are placed, and the model is known if only one fits", () => {
  expect(planOf({ migProfiles: ["1g.5gb", "2g.10gb"] })[0]?.known?.key).toBe("a100-40gb");
  const several = planOf({ migProfiles: ["1g.10gb"] })[0];
  expect(several?.known).toBeUndefined();
  expect(several?.placements).toHaveLength(1);
});

test("every model is found by its names, in any spelling", () => {
  for (const model of gpuModels) {
    for (const name of [model.key, ...model.aliases]) {
      expect(findGpuModel(`NVIDIA ${name.toUpperCase().replaceAll("-", " ")}`)).toBe(model);
    }
    expect(whyUnpartitioned(model.key)).toBeUndefined();
  }
});

test("role nvidia gets the real GPUs, with what identifies them", () => {
  const plan = planOf(
    { model: "t4", pretended: true },
    { model: "h200", pciAddress: "0000:17:00.0", migProfiles: ["3g.71gb", "2g.35gb"] },
    { model: "RTX 4090", pciAddress: "0000:31:00.0" },
    { pciAddress: "0000:4b:00.0" },
  );
  expect(nvidiaGpus(plan, "guest")).toEqual([
    {
      index: 0,
      model: "H200 141GB",
      names: ["h200"],
      memory_gb: 141,
      minimum_driver: "550.90.07",
      gres_type: "h200",
      partitions: [
        { profile: "3g.71gb", id: 9, start: 0 },
        { profile: "2g.35gb", id: 14, start: 4 },
      ],
    },
    { index: 1, model: "RTX 4090", names: ["rtx-4090"], gres_type: "rtx_4090", partitions: [] },
    { index: 2, names: [], partitions: [] },
  ]);
  expect(nvidiaGpus(plan, "host").map((gpu) => gpu.pci_address)).toEqual([
    "0000:17:00.0",
    "0000:31:00.0",
    "0000:4b:00.0",
  ]);
});

test("memory sizes of one family differ by more than the tolerance of role nvidia", () => {
  const sizes = gpuModels.map(
    (model) => nvidiaGpus(planOf({ model: model.key }), "guest")[0]?.memory_gb ?? 0,
  );
  expect(sizes.every((size) => size > 0)).toBe(true);
  for (const [i, model] of gpuModels.entries()) {
    const others = gpuModels.filter((other, j) => j !== i && other.gresType === model.gresType);
    for (const other of others) {
      const [a, b] = [sizes[i] ?? 0, sizes[gpuModels.indexOf(other)] ?? 0];
      // GB200 has 186 or 189 GB, which the role cannot tell apart.
      if (model.gresType !== "gb200") expect(Math.abs(a - b) / Math.max(a, b)).toBeGreaterThan(0.12);
    }
  }
});
