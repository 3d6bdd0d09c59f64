import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, pciAddress, problemUnless, wholeNumber } from "../arguments.ts";
import { inCheckout } from "../checkout.ts";

/** A PCI device of the host that is passed through to VMs. */
export interface ClaimedDevice {
  /** `0000:41:00.0` */
  readonly address: string;
  /** Hostnames of the VMs that claim it. */
  readonly machines: readonly string[];
}

export interface HostDevicesArgs {
  /** Name of the owner: lower-case letters, digits and dashes. Devices of other owners stay as they are. */
  owner: string;
  devices: readonly ClaimedDevice[];
  /** Number of huge pages of 2 MiB to reserve. Default: 0. */
  hugePages2m?: number;
  /** Number of huge pages of 1 GiB to reserve. Default: 0. */
  hugePages1g?: number;
  /** Whether to pass through even the GPU that drives the host's display. Default: false. */
  allowDisplay?: boolean;
}

/**
 * Prepares devices and memory of this machine for VMs: binds PCI devices to vfio-pci, checks that every device of their IOMMU
 * groups is listed, and reserves huge pages. Destroying it undoes all of that.
 */
export class HostDevices extends pulumi.ComponentResource {
  /** PCI addresses of the bound devices. */
  readonly addresses: readonly string[];

  constructor(name: string, args: HostDevicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:HostDevices", name, {}, opts);
    const { owner, devices } = args;
    checkArguments(name, [
      ...problemUnless(
        /^[a-z0-9-]+$/.test(owner),
        "owner",
        "may have lower-case letters, digits and dashes only",
      ),
      ...devices.flatMap(({ address }, i) => pciAddress(`devices[${i}].address`, address)),
      ...distinct(
        devices.map(({ address }) => address.toLowerCase()),
        (i) => `devices[${i}].address`,
      ),
      ...wholeNumber("hugePages2m", args.hugePages2m, 0),
      ...wholeNumber("hugePages1g", args.hugePages1g, 0),
    ]);
    const nothing = { nvidia_vfio_devices: [], base_huge_pages_2m: 0, base_huge_pages_1g: 0 };
    new command.local.Command(
      `${name}-binding`,
      {
        create: `${inCheckout("ansible/run")} host-devices`,
        // No triggers: Pulumi creates a replacement first and then deletes the old one, which would undo the new one.
        delete: `${inCheckout("ansible/run")} host-devices --extra-vars '${JSON.stringify(nothing)}'`,
        stdin: JSON.stringify({
          all: {
            hosts: ["this-host"],
            vars: {
              nvidia_vfio_owner: args.owner,
              nvidia_vfio_devices: args.devices,
              nvidia_vfio_allow_display: args.allowDisplay ?? false,
              base_huge_pages_owner: args.owner,
              base_huge_pages_2m: args.hugePages2m ?? 0,
              base_huge_pages_1g: args.hugePages1g ?? 0,
            },
          },
          _meta: { hostvars: { "this-host": { ansible_connection: "local" } } },
        }),
        environment: { AI_HOW_INVENTORY: "-" },
      },
      { parent: this },
    );
    this.addresses = args.devices.map(({ address }) => address);
    this.registerOutputs({ addresses: this.addresses });
  }
}
