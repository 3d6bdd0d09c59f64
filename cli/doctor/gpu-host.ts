import { constants, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Xml } from "../../providers/libvirt/xml.ts";
import { Host } from "./host.ts";

/** An NVIDIA GPU on the PCI bus. */
export interface PciGpu {
  /** `0000:17:00.0` */
  readonly address: string;
  /** The kernel driver that is bound to it; undefined: none. */
  readonly driver: string | undefined;
}

/** A GPU as its driver reports it. */
export interface DriverGpu {
  /** `00000000:17:00.0` */
  readonly address: string;
  readonly name: string;
  /** Number of its device node, `/dev/nvidia0`; undefined: not reported. */
  readonly minor: number | undefined;
  /** `Enabled`, `Disabled`, or `N/A` for a GPU without MIG. */
  readonly mig: string;
  /** MIG mode after the next reset. */
  readonly pendingMig: string;
  /** The number of MIG devices. */
  readonly migDevices: number;
  /** `Default`, `Exclusive_Process`, `Prohibited`; empty: not reported. */
  readonly computeMode: string;
}

/** The report of `nvidia-smi -q -x`. */
export interface DriverReport {
  readonly version: string;
  /** Newest CUDA version that the driver supports, `13.0`. */
  readonly cuda: string;
  readonly gpus: readonly DriverGpu[];
}

const NVIDIA = "0x10de";
const DISPLAY_CLASS = "0x03";

/** The host, with what the diagnosis of GPUs reads. */
export class GpuHost extends Host {
  /** NVIDIA's GPUs on the PCI bus, sorted by address. */
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

  /** Version of the loaded kernel module; undefined: not loaded. */
  async moduleVersion(): Promise<string | undefined> {
    const text = await this.text("proc/driver/nvidia/version");
    return text === undefined ? undefined : (/NVRM version:.*?(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1] ?? "");
  }

  /** True if Secure Boot is on, so that the kernel loads only signed modules. */
  async secureBoot(): Promise<boolean> {
    const folder = "sys/firmware/efi/efivars";
    const name = (await this.list(folder)).find((each) => each.startsWith("SecureBoot-"));
    if (name === undefined) return false;
    // Four bytes of attributes, then one byte with the value.
    const value = await readFile(join(this.root, folder, name)).catch(() => Buffer.alloc(0));
    return value[4] === 1;
  }

  /** Says if a device node exists and if the current user may open it. */
  async deviceNode(path: string): Promise<"missing" | "forbidden" | "usable"> {
    if (!(await this.may(path))) return "missing";
    return (await this.may(path, constants.R_OK | constants.W_OK)) ? "usable" : "forbidden";
  }
}

/** Parses the output of `nvidia-smi -q -x`; undefined if it holds no report. */
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
