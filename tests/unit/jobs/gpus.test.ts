import { expect, test } from "vitest";
import { UserError } from "../../../config/errors.ts";
import { checkGpus, gpuArguments, parseGpuList, parseGpuSelection } from "../../../services/docker/gpus.ts";

const A100 = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f";
const MIG = "MIG-c7384736-a75d-5afc-978f-d2f1294409fd";
const LIST = [
  `GPU 0: NVIDIA A100-SXM4-40GB (UUID: ${A100})`,
  `  MIG 3g.20gb     Device  0: (UUID: ${MIG})`,
  `  MIG 1g.5gb      Device  1: (UUID: MIG-${A100}/11/0)`,
  "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111-d268-c3f3-1b07-005d5ae1dc3f)",
  "",
].join("\n");

test("a host's GPUs and their partitions are read from nvidia-smi", () => {
  expect(parseGpuList(LIST)).toEqual([
    { index: "0", uuid: A100 },
    { uuid: MIG },
    { uuid: `MIG-${A100}/11/0` },
    { index: "1", uuid: "GPU-11111111-d268-c3f3-1b07-005d5ae1dc3f" },
  ]);
  expect(parseGpuList("No devices were found\n")).toEqual([]);
});

test.each(["all", "none"])("%s is a selection", (text) => {
  expect(parseGpuSelection(text)).toBe(text);
});

test("indices, UUIDs and UUIDs of partitions are a selection, each once", () => {
  expect(parseGpuSelection(`0, ${A100},${MIG},0,MIG-${A100}/11/0`)).toEqual([
    "0",
    A100,
    MIG,
    `MIG-${A100}/11/0`,
  ]);
});

test.each(["", "0,", "one", "-1", "GPU", "MIG", "0 1", '0","all', "1g.5gb"])(
  "%j is none, in one line",
  (text) => {
    expect(() => parseGpuSelection(text)).toThrow(UserError);
    expect(() => parseGpuSelection(text)).toThrow(/^--gpu: [^\n]*nvidia-smi -L[^\n]*$/);
  },
);

test("what the host lacks is refused with what it has", () => {
  const present = parseGpuList(LIST);
  expect(() => {
    checkGpus(["0", MIG], present);
  }).not.toThrow();
  expect(() => {
    checkGpus(["0", "7"], present);
  }).toThrow(/^--gpu: this host has no 7; it has 0 \(GPU-5c/);
  expect(() => {
    checkGpus("all", []);
  }).toThrow(/install NVIDIA's driver, or give --gpu none$/);
  expect(() => {
    checkGpus("none", []);
  }).not.toThrow();
});

test("Docker gets a quoted list, Podman devices of the Container Device Interface", () => {
  expect(gpuArguments("docker", "none")).toEqual([]);
  expect(gpuArguments("docker", "all")).toEqual(["--gpus", "all"]);
  expect(gpuArguments("docker", ["0", MIG])).toEqual(["--gpus", `"device=0,${MIG}"`]);
  expect(gpuArguments("podman", "all")).toEqual(["--device", "nvidia.com/gpu=all"]);
  expect(gpuArguments("podman", ["0", MIG])).toEqual([
    ...["--device", "nvidia.com/gpu=0"],
    ...["--device", `nvidia.com/gpu=${MIG}`],
  ]);
});
