import * as pulumi from "@pulumi/pulumi";
import type { Vgpu } from "../../gpu/index.ts";
import { checkArguments, pciAddress } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { DomainHostDeviceArgs } from "../../providers/libvirt/resources.ts";

export interface GpuDeviceArgs {
  /** PCI address of the GPU on the host. */
  address: pulumi.Input<string>;
  vgpu: Vgpu;
}

/** A vGPU for one VM, which NVIDIA's vGPU manager creates on the host. */
export class GpuDevice extends pulumi.ComponentResource {
  /** The device of the VM's domain. */
  readonly hostDevice: pulumi.Output<DomainHostDeviceArgs>;

  constructor(name: string, args: GpuDeviceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:GpuDevice", name, {}, opts);
    const { address, vgpu } = args;
    checkArguments(name, pciAddress("address", address));
    const slice = new host.VirtualGpu(`${name}-slice`, { ...vgpu, address }, { parent: this });
    this.hostDevice = pulumi
      .all([slice.uuid, address])
      .apply(([uuid, address]): DomainHostDeviceArgs =>
        uuid === undefined ? { type: "pci", address, managed: false } : { type: "mdev", uuid },
      );
    this.registerOutputs({ hostDevice: this.hostDevice });
  }
}
