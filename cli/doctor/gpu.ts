import type { Finding } from "./finding.ts";
import { readReport, type DriverGpu, type DriverReport, type GpuHost } from "./gpu-host.ts";

// By NVIDIA's "Minor Version Compatibility" this is the oldest driver for programs of any CUDA 12.
const CUDA = { major: 12, driver: 525 };
const NO_GPU = "gpu";
const DRIVER_REMEDY =
  "install NVIDIA's driver; `ai-how up` of a stack with this GPU does it by the role nvidia (docs/gpus.md)";
const CDI_FILES = ["etc/cdi/nvidia.yaml", "var/run/cdi/nvidia.yaml", "run/cdi/nvidia.yaml"];

/** Checks everything between this host's NVIDIA GPUs and a container that uses them; changes nothing. */
export async function diagnoseGpus(host: GpuHost): Promise<Finding[]> {
  const gpus = await gpusOnTheBus(host);
  // With no GPU left for the host, the other checks would only fail.
  if (gpus.every(({ level, check }) => level === "note" || check === NO_GPU)) return gpus;
  const [kernelModule, version] = await loadedModule(host);
  const [driver, report] = await driverReport(host, version);
  const findings = [...gpus, kernelModule, driver];
  if (report !== undefined) {
    findings.push(cuda(report), ...report.gpus.flatMap(migState), ...report.gpus.flatMap(computeMode));
    findings.push(...(await permissions(host, report)));
  }
  return [...findings, ...(await containers(host, report))];
}

async function gpusOnTheBus(host: GpuHost): Promise<Finding[]> {
  const gpus = await host.pciGpus();
  if (gpus.length === 0) {
    return [
      {
        check: NO_GPU,
        level: "fail",
        found: "no NVIDIA GPU on the PCI bus",
        remedy: "run `lspci -d 10de:`; check power, slot, and above-4G decoding in the firmware",
      },
    ];
  }
  return gpus.map(({ address, driver }): Finding => {
    const check = `gpu ${address}`;
    if (driver === "nvidia") return { check, level: "pass", found: "bound to NVIDIA's driver" };
    if (driver === "vfio-pci") {
      return {
        check,
        level: "note",
        found: "bound to vfio-pci for a virtual machine; programs of this host cannot use it",
      };
    }
    if (driver === undefined) {
      return { check, level: "fail", found: "bound to no driver", remedy: DRIVER_REMEDY };
    }
    return {
      check,
      level: "fail",
      found: `bound to the driver ${driver}`,
      remedy: `install NVIDIA's driver, which blocks ${driver}, and reboot`,
    };
  });
}

async function loadedModule(host: GpuHost): Promise<[Finding, string | undefined]> {
  const check = "kernel module";
  const version = await host.moduleVersion();
  if (version !== undefined) return [{ check, level: "pass", found: version }, version];
  const remedy = (await host.secureBoot())
    ? "Secure Boot allows only signed modules: enroll the key of DKMS (`mokutil --import`), reboot, and run `modprobe nvidia`"
    : "run `modprobe nvidia` and look at `dmesg`; after an update of the kernel, `dkms status` says if the module was built";
  return [{ check, level: "fail", found: "nvidia is not loaded", remedy }, undefined];
}

/** Checks that the driver answers, and returns its report. */
async function driverReport(
  host: GpuHost,
  module: string | undefined,
): Promise<[Finding, DriverReport | undefined]> {
  const check = "driver";
  const fail = (found: string, remedy: string): [Finding, undefined] => [
    { check, level: "fail", found, remedy },
    undefined,
  ];
  const result = await host.run("nvidia-smi", "-q", "-x");
  if (result.kind === "missing") return fail("nvidia-smi is not installed", DRIVER_REMEDY);
  if (result.output.includes("version mismatch")) {
    return fail(
      `the kernel module (${module ?? "unknown"}) and the libraries have different versions`,
      "reboot: the driver was updated while its module was in use",
    );
  }
  if (/couldn't communicate|NVML/.test(result.output) && result.exitCode !== 0) {
    return fail(firstLine(result.output), "load the module (`modprobe nvidia`); see the finding above");
  }
  const report = result.exitCode === 0 ? readReport(result.stdout) : undefined;
  if (report === undefined) return fail(firstLine(result.output), "look at `dmesg | grep -i nvrm`");
  const lost = /Unable to determine the device handle.*/.exec(result.stdout)?.[0];
  if (lost !== undefined) {
    return [
      {
        check,
        level: "fail",
        found: lost,
        remedy:
          "the GPU no longer answers: power the machine off and on; if that does not help, check power and slot",
      },
      report,
    ];
  }
  if (report.gpus.length === 0) return fail("reports no GPU", "look at `dmesg | grep -i nvrm`");
  const names = report.gpus.map(({ name }) => name).join(", ");
  return [{ check, level: "pass", found: `${report.version}, ${names}` }, report];
}

function cuda({ version, cuda: newest }: DriverReport): Finding {
  const check = "cuda";
  const found = `the driver supports CUDA ${newest}`;
  if (Number.parseInt(version) >= CUDA.driver) return { check, level: "pass", found };
  return {
    check,
    level: "fail",
    found: `${found}; programs of CUDA ${CUDA.major} need driver ${CUDA.driver} or newer`,
    remedy: "install a newer driver",
  };
}

function migState({ address, mig, pendingMig, migDevices }: DriverGpu): Finding[] {
  const check = `mig ${address}`;
  if (mig === "N/A" || mig === "") return [];
  if (mig !== pendingMig) {
    return [
      {
        check,
        level: "fail",
        found: `${mig.toLowerCase()} now, ${pendingMig.toLowerCase()} after a reset`,
        remedy: `end every program on it and run \`nvidia-smi -i ${address} --gpu-reset\`, or reboot`,
      },
    ];
  }
  if (mig !== "Enabled") return [{ check, level: "pass", found: "off; programs get the whole GPU" }];
  if (migDevices > 0) return [{ check, level: "pass", found: `${migDevices} partitions` }];
  return [
    {
      check,
      level: "fail",
      found: "on, but without partitions: no program can use the GPU",
      remedy: "create the planned partitions (`ai-how-gpus apply`), or switch MIG off (`nvidia-smi -mig 0`)",
    },
  ];
}

function computeMode({ address, computeMode: mode }: DriverGpu): Finding[] {
  if (mode !== "Prohibited") return [];
  return [
    {
      check: `compute mode ${address}`,
      level: "fail",
      found: "Prohibited: no program may use the GPU",
      remedy: `\`nvidia-smi -i ${address} -c DEFAULT\``,
    },
  ];
}

async function permissions(host: GpuHost, { gpus }: DriverReport): Promise<Finding[]> {
  const nodes = [
    "dev/nvidiactl",
    "dev/nvidia-uvm",
    ...gpus.flatMap(({ minor }) => (minor === undefined ? [] : [`dev/nvidia${minor}`])),
  ];
  const states = await Promise.all(nodes.map(async (node) => ({ node, is: await host.deviceNode(node) })));
  const missing = states.filter(({ is }) => is === "missing").map(({ node }) => `/${node}`);
  const forbidden = states.filter(({ is }) => is === "forbidden").map(({ node }) => `/${node}`);
  const check = "device nodes";
  if (missing.length + forbidden.length === 0)
    return [{ check, level: "pass", found: "there, and you may open them" }];
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push({
      check,
      level: "fail",
      found: `${missing.join(", ")} missing`,
      remedy: "run `sudo nvidia-modprobe -c 0 -u`; nvidia-persistenced makes them at every boot",
    });
  }
  if (forbidden.length > 0) {
    findings.push({
      check,
      level: "fail",
      found: `you may not open ${forbidden.join(", ")}`,
      remedy:
        "join the group that owns them (`ls -l /dev/nvidia*`), usually `video` or `render`, and log in again",
    });
  }
  return findings;
}

/** Checks the runtime of Docker and the CDI file of Podman. A host needs only one of the two engines. */
async function containers(host: GpuHost, report: DriverReport | undefined): Promise<Finding[]> {
  const docker = await host.run("docker", "info", "--format", "{{json .Runtimes}}");
  const podman = await host.run("podman", "--version");
  if (docker.kind === "missing" && podman.kind === "missing") {
    return [
      {
        check: "containers",
        level: "note",
        found: "neither Docker nor Podman is installed; only programs outside containers can use the GPU",
      },
    ];
  }
  const toolkit = await host.run("nvidia-ctk", "--version");
  if (toolkit.kind === "missing") {
    return [
      {
        check: "container toolkit",
        level: "fail",
        found: "nvidia-ctk is not installed; containers see no GPU",
        remedy: "install nvidia-container-toolkit from NVIDIA's repository",
      },
    ];
  }
  return [
    { check: "container toolkit", level: "pass", found: firstLine(toolkit.output) },
    ...(docker.kind === "missing" ? [] : [dockerRuntime(docker)]),
    ...(podman.kind === "missing" ? [] : [await cdi(host, report)]),
  ];
}

function dockerRuntime({
  exitCode,
  stdout,
  output,
}: {
  exitCode: number;
  stdout: string;
  output: string;
}): Finding {
  const check = "docker";
  if (/permission denied/i.test(output)) {
    return {
      check,
      level: "fail",
      found: "you may not connect to its daemon",
      remedy: "`sudo usermod -aG docker $USER`, and log in again",
    };
  }
  if (exitCode !== 0) {
    return { check, level: "fail", found: firstLine(output), remedy: "`sudo systemctl start docker`" };
  }
  if (stdout.includes('"nvidia"')) return { check, level: "pass", found: "has the runtime nvidia" };
  return {
    check,
    level: "fail",
    found: "has no runtime nvidia",
    remedy: "`sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker`",
  };
}

async function cdi(host: GpuHost, report: DriverReport | undefined): Promise<Finding> {
  const check = "podman";
  const generate = "`sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`";
  for (const file of CDI_FILES) {
    const text = await host.text(file);
    if (text === undefined) continue;
    const library = /libcuda\.so\.(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];
    if (library === undefined || report === undefined || library === report.version) {
      return { check, level: "pass", found: `has /${file}` };
    }
    return {
      check,
      level: "fail",
      found: `/${file} was made for driver ${library}, but ${report.version} is installed`,
      remedy: `write it again: ${generate}`,
    };
  }
  return { check, level: "fail", found: "has no CDI file, which describes the GPUs", remedy: generate };
}

function firstLine(text: string): string {
  return (
    text
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.trim() ?? "no output"
  );
}
