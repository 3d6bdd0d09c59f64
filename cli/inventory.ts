import { Option, type Command } from "commander";
import { deriveSite, loadClusterFile, type Site } from "../config/index.ts";
import { UserError } from "../config/errors.ts";
import { Provider } from "../providers/framework/provider.ts";
import { ProviderError } from "../providers/framework/resource.ts";
import type { HostDevicesResult, PciDevice } from "../providers/libvirt/host-devices.ts";
import { libvirt } from "../providers/libvirt/provider.ts";
import { partitionsOf } from "./derived.ts";
import { columns } from "./table.ts";

/** PCI base class of display controllers, which includes GPUs without a display. */
const DISPLAY = "03";

interface InventoryOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly connect: string;
}

/** A device, and the machine that claims it. */
interface ClaimedDevice extends PciDevice {
  readonly claimedBy: string | undefined;
  /** MIG partitions in the cluster file, `1g.10gb@0 1g.10gb@1`; undefined: none. */
  readonly partitions: string | undefined;
}

/** `inventory pcie|gpu`: lists the host's PCI devices with IOMMU group, driver and the machine that claims each. */
export function addInventory(program: Command): void {
  const inventory = program.command("inventory").description("list the PCI devices or GPUs of this host");
  for (const [name, description, isWanted] of [
    ["pcie", "PCI devices", () => true],
    ["gpu", "GPUs", ({ class: code }: PciDevice) => code.startsWith(DISPLAY)],
  ] as const) {
    inventory
      .command(name)
      .description(
        `list the ${description} of this host with IOMMU group, driver and the machine that claims each`,
      )
      .option("-c, --config <file>", "the cluster file whose claims are shown. Default: none")
      .option("--json", "as JSON")
      .addOption(
        new Option("--connect <uri>", "libvirt's connection URI")
          .default("qemu:///system")
          .env("LIBVIRT_DEFAULT_URI"),
      )
      .action(async (options: InventoryOptions) => {
        const claims = options.config === undefined ? new Map<string, Claim>() : claimsOf(options.config);
        const { devices, reason } = await hostDevices(options.connect);
        const claimed = devices.filter(isWanted).map((device): ClaimedDevice => {
          const { machine, partitions } = claims.get(device.address) ?? {};
          return { ...device, claimedBy: machine, partitions };
        });
        if (options.json === true)
          process.stdout.write(`${JSON.stringify({ devices: claimed, reason }, undefined, 2)}\n`);
        else {
          process.stdout.write(
            claimed.length === 0 ? `no ${name === "gpu" ? "GPU" : "PCI device"}\n` : table(claimed),
          );
          if (reason !== "")
            process.stderr.write(`devices cannot be passed through to machines: ${reason}\n`);
        }
      });
  }
  for (const name of ["generate-hpc", "generate-k8s"]) {
    inventory
      .command(name, { hidden: true })
      .argument("[arguments...]")
      .allowUnknownOption()
      .action(() => {
        const instead = "`ai-how up` gives Ansible its inventory; `ai-how outputs --json` lists the machines";
        throw new UserError(`inventory ${name} is no longer needed: ${instead}`, { exitCode: 2 });
      });
  }
}

async function hostDevices(uri: string): Promise<HostDevicesResult> {
  const provider = new Provider(libvirt);
  try {
    provider.configure({ uri });
    const operation = { urn: "", log: () => undefined, signal: new AbortController().signal };
    const { result } = await provider.invoke("libvirt:index:hostDevices", {}, operation);
    return result as unknown as HostDevicesResult;
  } catch (error) {
    if (error instanceof ProviderError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/** A machine that claims a device, and the partitions that it plans there. */
interface Claim {
  readonly machine: string;
  readonly partitions: string | undefined;
}

/** The claim on each PCI address. */
function claimsOf(file: string): Map<string, Claim> {
  const { clusters }: Site = deriveSite(loadClusterFile(file).config);
  return new Map(
    clusters.flatMap(({ nodes }) =>
      nodes.flatMap((node) => {
        if (node.kind === "existing") return [];
        return node.passthrough.map(({ pciAddress }) => {
          const gpu = node.gpuPlan.find(
            (each) => each.pciAddress === pciAddress && each.placements.length > 0,
          );
          const partitions = gpu === undefined ? undefined : partitionsOf(gpu);
          return [pciAddress, { machine: node.name, partitions }] as const;
        });
      }),
    ),
  );
}

function table(devices: readonly ClaimedDevice[]): string {
  return columns([
    ["address", "device", "id", "driver", "IOMMU group", "claimed by", "partitions"],
    ...devices.map(({ address, vendor, product, vendorId, productId, driver, iommuGroup, ...claim }) => [
      address,
      [vendor, product].filter((part) => part !== "").join(" "),
      `${vendorId}:${productId}`,
      driver,
      iommuGroup < 0 ? "none" : String(iommuGroup),
      claim.claimedBy ?? "",
      claim.partitions ?? "",
    ]),
  ]);
}
