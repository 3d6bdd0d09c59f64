import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { diagnoseGpus } from "../../../cli/doctor/gpu.ts";
import { GpuHost } from "../../../cli/doctor/gpu-host.ts";

const ADDRESS = "0000:17:00.0";

/** What a fake host has; undefined leaves a thing out. The default is a host on which all is well. */
interface FakeHostSpec {
  readonly driver?: string | undefined;
  readonly module?: string | undefined;
  readonly secureBoot?: boolean;
  /** What the fake nvidia-smi says, with its exit code. */
  readonly smi?: readonly [exitCode: number, output: string] | undefined;
  readonly docker?: readonly [exitCode: number, output: string] | undefined;
  readonly podman?: boolean;
  readonly toolkit?: boolean;
  readonly cdi?: string;
  readonly nodes?: readonly string[];
}

const gpuXml = (more: Partial<Record<"mig" | "pending" | "devices" | "mode", string>> = {}) => `
  <gpu id="00000000:17:00.0">
    <product_name>NVIDIA A100 80GB PCIe</product_name>
    <mig_mode><current_mig>${more.mig ?? "Disabled"}</current_mig><pending_mig>${more.pending ?? "Disabled"}</pending_mig></mig_mode>
    <mig_devices>${more.devices ?? "None"}</mig_devices>
    <minor_number>0</minor_number>
    <compute_mode>${more.mode ?? "Default"}</compute_mode>
  </gpu>`;
const report = (gpus: string, version = "580.173.02", cuda = "13.0") => `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <driver_version>${version}</driver_version>
  <cuda_version>${cuda}</cuda_version>
  <attached_gpus>1</attached_gpus>${gpus}
</nvidia_smi_log>
`;
const well: FakeHostSpec = {
  driver: "nvidia",
  module: "580.173.02",
  smi: [0, report(gpuXml())],
  docker: [0, '{"io.containerd.runc.v2":{},"nvidia":{"path":"nvidia-container-runtime"}}'],
  toolkit: true,
  nodes: ["nvidiactl", "nvidia-uvm", "nvidia0"],
};

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function fakeHost(spec: FakeHostSpec): GpuHost {
  const root = mkdtempSync(join(tmpdir(), "ai-how-fake-gpu-host-"));
  roots.push(root);
  const write = (path: string, content: string | Buffer): string => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const program = (name: string, exitCode: number, output: string): void => {
    const said = write(`said/${name}`, output);
    // What a program complains of is on standard error or output, as the real ones have it: both are read.
    chmodSync(write(`bin/${name}`, `#!/bin/sh\n/bin/cat ${said}\nexit ${exitCode}\n`), 0o755);
  };
  const device = `sys/bus/pci/devices/${ADDRESS}`;
  write(`${device}/vendor`, "0x10de\n");
  write(`${device}/class`, "0x030200\n");
  write("sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
  write("sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
  if (spec.driver !== undefined) symlinkSync(`../../../drivers/${spec.driver}`, join(root, device, "driver"));
  if (spec.module !== undefined) {
    write(
      "proc/driver/nvidia/version",
      `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${spec.module}  Release Build  (root@build)\nGCC version: gcc 12\n`,
    );
  }
  if (spec.secureBoot === true) {
    write(
      "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
      Buffer.from([6, 0, 0, 0, 1]),
    );
  }
  if (spec.smi !== undefined) program("nvidia-smi", ...spec.smi);
  if (spec.docker !== undefined) program("docker", ...spec.docker);
  if (spec.podman === true) program("podman", 0, "podman version 4.9.3\n");
  if (spec.toolkit === true) program("nvidia-ctk", 0, "NVIDIA Container Toolkit CLI version 1.17.8\n");
  if (spec.cdi !== undefined) write("etc/cdi/nvidia.yaml", spec.cdi);
  for (const node of spec.nodes ?? []) write(`dev/${node}`, "");
  mkdirSync(join(root, "bin"), { recursive: true });
  return new GpuHost({ root, path: join(root, "bin") });
}

async function failures(spec: FakeHostSpec): Promise<string[]> {
  const findings = await diagnoseGpus(fakeHost(spec));
  for (const { level, remedy } of findings) if (level === "fail") expect(remedy).toBeTruthy();
  return findings.filter(({ level }) => level === "fail").map(({ check, found }) => `${check}: ${found}`);
}

describe("doctor gpu", () => {
  it("finds nothing on a host where all is well, and says what is there", async () => {
    expect(await failures(well)).toEqual([]);
    expect((await diagnoseGpus(fakeHost(well))).map(({ check, found }) => `${check}: ${found}`)).toEqual([
      `gpu ${ADDRESS}: bound to NVIDIA's driver`,
      "kernel module: 580.173.02",
      "driver: 580.173.02, NVIDIA A100 80GB PCIe",
      "cuda: the driver supports CUDA 13.0",
      "mig 00000000:17:00.0: off; programs get the whole GPU",
      "device nodes: there, and you may open them",
      "container toolkit: NVIDIA Container Toolkit CLI version 1.17.8",
      "docker: has the runtime nvidia",
    ]);
  });

  const broken: Readonly<Record<string, readonly [change: FakeHostSpec, expected: readonly string[]]>> = {
    "nouveau has the GPU": [
      { driver: "nouveau", module: undefined, smi: undefined },
      [
        `gpu ${ADDRESS}: bound to the driver nouveau`,
        "kernel module: nvidia is not loaded",
        "driver: nvidia-smi is not installed",
      ],
    ],
    "no driver has the GPU": [
      { driver: undefined, module: undefined, smi: undefined },
      [
        `gpu ${ADDRESS}: bound to no driver`,
        "kernel module: nvidia is not loaded",
        "driver: nvidia-smi is not installed",
      ],
    ],
    "the module is not loaded": [
      {
        driver: undefined,
        module: undefined,
        smi: [
          9,
          "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n",
        ],
      },
      [
        `gpu ${ADDRESS}: bound to no driver`,
        "kernel module: nvidia is not loaded",
        "driver: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
      ],
    ],
    "the driver was updated under a running module": [
      {
        module: "575.57.08",
        smi: [
          18,
          "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.173\n",
        ],
      },
      ["driver: the kernel module (575.57.08) and the libraries have different versions"],
    ],
    "the driver has no GPU": [{ smi: [6, "No devices were found\n"] }, ["driver: No devices were found"]],
    "the GPU fell off the bus": [
      {
        smi: [
          0,
          `Unable to determine the device handle for GPU0: 0000:17:00.0: Unknown Error\n${report("")}`,
        ],
      },
      ["driver: Unable to determine the device handle for GPU0: 0000:17:00.0: Unknown Error"],
    ],
    "the driver is too old for CUDA 12": [
      { module: "470.256.02", smi: [0, report(gpuXml(), "470.256.02", "11.4")] },
      ["cuda: the driver supports CUDA 11.4; programs of CUDA 12 need driver 525 or newer"],
    ],
    "MIG waits for a reset": [
      { smi: [0, report(gpuXml({ pending: "Enabled" }))] },
      ["mig 00000000:17:00.0: disabled now, enabled after a reset"],
    ],
    "MIG is on without a partition": [
      { smi: [0, report(gpuXml({ mig: "Enabled", pending: "Enabled" }))] },
      ["mig 00000000:17:00.0: on, but without partitions: no program can use the GPU"],
    ],
    "nothing may compute": [
      { smi: [0, report(gpuXml({ mode: "Prohibited" }))] },
      ["compute mode 00000000:17:00.0: Prohibited: no program may use the GPU"],
    ],
    "a device node is missing": [
      { nodes: ["nvidiactl", "nvidia0"] },
      ["device nodes: /dev/nvidia-uvm missing"],
    ],
    "Docker knows no GPU": [{ docker: [0, '{"runc":{}}'] }, ["docker: has no runtime nvidia"]],
    "Docker is not for everybody": [
      {
        docker: [
          1,
          "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n",
        ],
      },
      ["docker: you may not connect to its daemon"],
    ],
    "Docker does not run": [
      { docker: [1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n"] },
      ["docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock."],
    ],
    "the container toolkit is missing": [
      { toolkit: false },
      ["container toolkit: nvidia-ctk is not installed; containers see no GPU"],
    ],
    "Podman has no description of the GPUs": [
      { docker: undefined, podman: true },
      ["podman: has no CDI file, which describes the GPUs"],
    ],
    "Podman's description is of an older driver": [
      { podman: true, cdi: "hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.575.57.08\n" },
      ["podman: /etc/cdi/nvidia.yaml was made for driver 575.57.08, but 580.173.02 is installed"],
    ],
    "the report is cut off": [{ smi: [0, "Segmentation fault\n"] }, ["driver: Segmentation fault"]],
  };

  it.each(Object.entries(broken))("says what to do where %s", async (_name, [change, expected]) => {
    expect(await failures({ ...well, ...change })).toEqual(expected);
  });

  it("knows that Secure Boot loads signed modules only", async () => {
    const findings = await diagnoseGpus(
      fakeHost({ ...well, driver: undefined, module: undefined, smi: undefined, secureBoot: true }),
    );
    expect(findings.find(({ check }) => check === "kernel module")?.remedy).toContain("mokutil");
  });

  it("leaves a host alone whose virtual machines have the GPUs", async () => {
    const findings = await diagnoseGpus(fakeHost({ ...well, driver: "vfio-pci", module: undefined }));
    expect(findings).toMatchObject([{ level: "note" }]);
  });

  it("counts partitions", async () => {
    const devices = "<mig_device><index>0</index></mig_device><mig_device><index>1</index></mig_device>";
    const findings = await diagnoseGpus(
      fakeHost({ ...well, smi: [0, report(gpuXml({ mig: "Enabled", pending: "Enabled", devices }))] }),
    );
    expect(findings).toContainEqual({ check: "mig 00000000:17:00.0", level: "pass", found: "2 partitions" });
  });

  it("says that a host without any has none", async () => {
    expect(await diagnoseGpus(new GpuHost({ root: "/nonexistent", path: "/nonexistent" }))).toMatchObject([
      { check: "gpu", level: "fail", found: "no NVIDIA GPU on the PCI bus" },
    ]);
  });
});
