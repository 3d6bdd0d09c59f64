import * as pulumi from "@pulumi/pulumi";
import type { PlannedGpu } from "../../gpu/index.ts";
import { checkArguments, pciAddress } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { DomainHostDeviceArgs } from "../../providers/libvirt/resources.ts";

export interface GpuDeviceArgs {
  /** As planned, with a PCI address of the host. */
  gpu: PlannedGpu;
}

/** A GPU of the host for one VM: the whole device, or a slice of it that NVIDIA's vGPU manager makes. */
export class GpuDevice extends pulumi.ComponentResource {
  /** What the VM gets. */
  readonly hostDevice: pulumi.Output<DomainHostDeviceArgs>;

  constructor(name: string, args: GpuDeviceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:GpuDevice", name, {}, opts);
    const { pciAddress: address = "", vgpu } = args.gpu;
    checkArguments(name, pciAddress("gpu.pciAddress", address));
    if (vgpu === undefined) {
      this.hostDevice = pulumi.output({ type: "pci" as const, address });
    } else {
      const slice = new host.VirtualGpu(`${name}-slice`, { ...vgpu, address }, { parent: this });
      this.hostDevice = slice.uuid.apply((uuid): DomainHostDeviceArgs =>
        uuid === undefined ? { type: "pci", address, managed: false } : { type: "mdev", uuid },
      );
    }
    this.registerOutputs({ hostDevice: this.hostDevice });
  }
}
