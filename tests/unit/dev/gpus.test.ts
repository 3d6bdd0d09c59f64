import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, test, vi } from "vitest";
import { isOlder, usableGpus } from "../../../services/dev/gpus.ts";
import { ContainerRuntime } from "../../../services/docker/runtime.ts";
import { fakeDriver, FakeMachine, fakeGpu } from "../../support/fake-nvidia.ts";

const LISTED = "GPU 0: NVIDIA RTX A6000 (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)";
const docker = new ContainerRuntime({ program: "docker", variables: {} });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ai-how-fake-bin-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH ?? ""}`);
  for (const name of ["SYGALDRY_GPU", "SYGALDRY_REQUIRED_CUDA_VERSION"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function fake(program: string, script: string): void {
  writeFileSync(join(folder, program), `#!/bin/bash\n${script}\n`);
  chmodSync(join(folder, program), 0o755);
}

/** A host with a GPU whose driver knows this CUDA. */
function fakeHost(cuda: string, runtimes: string): void {
  fake(
    "nvidia-smi",
    `if [ "$1" = -L ]; then echo '${LISTED}'; else echo '<nvidia_smi_log><cuda_version>${cuda}</cuda_version></nvidia_smi_log>'; fi`,
  );
  fake("docker", `echo '${runtimes}'`);
}

it("every GPU, where driver and engine are as they should be", async () => {
  fakeHost("13.0", '{"runc":{"path":"runc"},"nvidia":{"path":"nvidia-container-runtime"}}');
  expect(await usableGpus(docker)).toEqual({ gpus: "all" });
});

it.each<[string, string, string, RegExp]>([
  ["an older driver", "12.4", '{"nvidia":{}}', /^the driver supports CUDA 12\.4, and 12\.9 is required/],
  ["a driver that says nothing", "N/A", '{"nvidia":{}}', /^the driver does not report a CUDA version/],
  [
    "an engine without the toolkit",
    "12.10",
    '{"runc":{}}',
    /^docker cannot pass GPUs to containers: install NVIDIA's/,
  ],
  ["an engine that says nothing", "12.9", "null", /^docker cannot pass GPUs to containers/],
])("none, with the reason, on %s", async (_what, cuda, runtimes, reason) => {
  fakeHost(cuda, runtimes);
  const { gpus, reason: said } = await usableGpus(docker);
  expect(gpus).toBe("none");
  expect(said).toMatch(reason);
  expect(said).not.toContain("\n");
});

it("none, with the reason, where there is no driver, or no GPU", async () => {
  fake("nvidia-smi", "echo 'No devices were found'; exit 6");
  expect(await usableGpus(docker)).toEqual({
    gpus: "none",
    reason: "`nvidia-smi -L` lists none on this host",
  });
});

it("none and no word about it when nobody wants them", async () => {
  fakeHost("12.4", "{}");
  vi.stubEnv("SYGALDRY_GPU", "false");
  expect(await usableGpus(docker)).toEqual({ gpus: "none" });
});

it("as many versions of CUDA as somebody requires", async () => {
  fakeHost("12.4", '{"nvidia":{}}');
  vi.stubEnv("SYGALDRY_REQUIRED_CUDA_VERSION", "12");
  expect(await usableGpus(docker)).toEqual({ gpus: "all" });
  vi.stubEnv("SYGALDRY_REQUIRED_CUDA_VERSION", "newest");
  await expect(usableGpus(docker)).rejects.toThrow(
    /^SYGALDRY_REQUIRED_CUDA_VERSION: newest is not a version/,
  );
});

it("what the driver's whole report says", async () => {
  const machine = new FakeMachine([fakeGpu(0, "NVIDIA RTX A6000")]);
  fakeHost("unused", '{"nvidia":{}}');
  fake(
    "nvidia-smi",
    `if [ "$1" = -L ]; then echo '${LISTED}'; else FAKE_NVIDIA=${machine.root}/fake FAKE_NVIDIA_RUN=${machine.root}/run FAKE_NVIDIA_ROOT=${machine.root} exec ${fakeDriver}/nvidia-smi "$@"; fi`,
  );
  vi.stubEnv("SYGALDRY_REQUIRED_CUDA_VERSION", "13.1");
  expect((await usableGpus(docker)).reason).toMatch(/^the driver supports CUDA 13\.0, and 13\.1 is required/);
  rmSync(machine.root, { recursive: true });
});

test.each([
  ["12.4", "12.9", true],
  ["12.9", "12.9", false],
  ["12.10", "12.9", false],
  ["13.0", "12.9", false],
  ["12", "12.0", false],
  ["12.9", "13", true],
])("CUDA %s before %s: %s", (version, than, expected) => {
  expect(isOlder(version, than)).toBe(expected);
});
