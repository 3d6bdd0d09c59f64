import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, pciAddress, problemUnless, wholeNumber } from "../arguments.ts";
import { inCheckout } from "../checkout.ts";

/** A PCI device of the host that VMs get whole. */
export interface ClaimedDevice {
  /** `0000:41:00.0` */
  readonly address: string;
  /** Hostnames of the VMs that claim it. */
  readonly machines: readonly string[];
}

export interface HostDevicesArgs {
  /** Whose they are; lower-case letters, digits and dashes. Other owners' devices are left alone. */
  owner: string;
  devices: readonly ClaimedDevice[];
  /** Huge pages of 2 MiB to set aside. Default none. */
  hugePages2m?: number;
  /** Huge pages of 1 GiB to set aside. Default none. */
  hugePages1g?: number;
  /** Whether the GPU that drives the host's display may be taken, too. Default false. */
  allowDisplay?: boolean;
}

/**
 * What VMs take from the machine that this runs on: devices bound to vfio-pci, IOMMU groups checked whole, and huge pages.
 * Destroying it gives everything back.
 */
export class HostDevices extends pulumi.ComponentResource {
  /** PCI addresses that are bound. */
  readonly addresses: readonly string[];

  constructor(name: string, args: HostDevicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:HostDevices", name, {}, opts);
    const { owner, devices } = args;
    checkArguments(name, [
      ...problemUnless(
        /^[a-z0-9-]+$/.test(owner),
        "owner",
        "is not of lower-case letters, digits and dashes",
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
        // Without triggers: a replacement would give everything back after it was taken anew.
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
