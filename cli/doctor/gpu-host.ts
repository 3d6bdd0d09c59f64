import { constants, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Xml } from "../../providers/libvirt/xml.ts";
import { Host } from "./host.ts";

/** An NVIDIA GPU as the PCI bus has it. */
export interface PciGpu {
  /** `0000:17:00.0` */
  readonly address: string;
  /** The kernel's driver; undefined: none has taken it. */
  readonly driver: string | undefined;
}

/** A GPU as its driver tells. */
export interface DriverGpu {
  /** `00000000:17:00.0` */
  readonly address: string;
  readonly name: string;
  /** Number of its device node, `/dev/nvidia0`; undefined where the driver does not say. */
  readonly minor: number | undefined;
  /** `Enabled`, `Disabled`, or `N/A` where it has no MIG. */
  readonly mig: string;
  /** MIG mode after the next reset. */
  readonly pendingMig: string;
  /** How many MIG devices there are. */
  readonly migDevices: number;
  /** `Default`, `Exclusive_Process`, `Prohibited`; empty where the driver does not say. */
  readonly computeMode: string;
}

/** What `nvidia-smi -q -x` says. */
export interface DriverReport {
  readonly version: string;
  /** Newest CUDA that the driver knows, `13.0`. */
  readonly cuda: string;
  readonly gpus: readonly DriverGpu[];
}

const NVIDIA = "0x10de";
const DISPLAY_CLASS = "0x03";

/** The host as GPU diagnosis reads it. */
export class GpuHost extends Host {
  /** NVIDIA's GPUs on the PCI bus, by address. */
  async pciGpus(): Promise<PciGpu[]> {
    const devices = "sys/bus/pci/devices";
    const found = await Promise.all(
      (await this.list(devices)).map(async (address): Promise<PciGpu | undefined> => {
        const text = async (file: string) => (await this.text(join(devices, address, file))) ?? "";
        const [vendor, code] = [await text("vendor"), await text("class")];
        if (vendor.trim() !== NVIDIA || !code.startsWith(DISPLAY_CLASS)) return undefined;
        const driver = await this.link(join(devices, address, "driver"));
        return { address, driver: driver === undefined ? undefined : basename(driver) };
      }),
    );
    return found.filter((gpu) => gpu !== undefined);
  }

  /** Version of the kernel module that is loaded; undefined: none is. */
  async moduleVersion(): Promise<string | undefined> {
    const text = await this.text("proc/driver/nvidia/version");
    return text === undefined ? undefined : (/NVRM version:.*?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1] ?? "");
  }

  /** Whether the firmware loads signed modules only. */
  async secureBoot(): Promise<boolean> {
    const folder = "sys/firmware/efi/efivars";
    const name = (await this.list(folder)).find((each) => each.startsWith("SecureBoot-"));
    if (name === undefined) return false;
    // Four bytes of attributes, and one that is the value.
    const value = await readFile(join(this.root, folder, name)).catch(() => Buffer.alloc(0));
    return value[4] === 1;
  }

  /** Whether a device node is there, and whether the person who runs this may use it. */
  async deviceNode(path: string): Promise<"missing" | "forbidden" | "usable"> {
    if (!(await this.may(path))) return "missing";
    return (await this.may(path, constants.R_OK | constants.W_OK)) ? "usable" : "forbidden";
  }
}

/** Reads `nvidia-smi -q -x`; undefined where it is no such report. */
export function readReport(stdout: string): DriverReport | undefined {
  const begin = stdout.indexOf("<nvidia_smi_log>");
  if (begin < 0) return undefined;
  const report = Xml.parse(stdout.slice(begin));
  const text = (at: Xml, ...path: readonly string[]): string => at.child(...path)?.text.trim() ?? "";
  return {
    version: text(report, "driver_version"),
    cuda: text(report, "cuda_version"),
    gpus: report.children("gpu").map((gpu) => {
      const minor = text(gpu, "minor_number");
      return {
        address: gpu.attribute("id") ?? "",
        name: text(gpu, "product_name"),
        minor: /^\d+$/.test(minor) ? Number(minor) : undefined,
        mig: text(gpu, "mig_mode", "current_mig"),
        pendingMig: text(gpu, "mig_mode", "pending_mig"),
        migDevices: gpu.child("mig_devices")?.children("mig_device").length ?? 0,
        computeMode: text(gpu, "compute_mode"),
      };
    }),
  };
}
