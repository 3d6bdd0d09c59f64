import * as pulumi from "@pulumi/pulumi";
import { type ArgsOf, type ElementArgs, resourceClass, type ValueArgs } from "../framework/resource-class.ts";
import type { CloudInitDiskOutputs, cloudInitDiskSchemas } from "./cloud-init-disk.ts";
import type { domainSchemas } from "./domain-inputs.ts";
import type { DomainOutputs } from "./domain.ts";
import type { HostDevicesResult } from "./host-devices.ts";
import type { networkSchemas } from "./network-inputs.ts";
import type { NetworkOutputs } from "./network.ts";
import type { StoragePoolOutputs, storagePoolSchemas } from "./storage-pool.ts";
import type { volumeSchemas } from "./volume-inputs.ts";
import type { VolumeOutputs } from "./volume.ts";

export type { HostDevicesResult, PciDevice } from "./host-devices.ts";

/** Arguments of the libvirt provider. */
export interface ProviderArgs {
  /** libvirt connection URI; default `qemu:///system`. */
  uri?: pulumi.Input<string | undefined>;
}

/** A connection to one libvirt. */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    super("libvirt", name, { uri: args.uri }, opts);
  }
}

/** A virtual network. */
export const Network = resourceClass<typeof networkSchemas, NetworkOutputs>("libvirt:index:Network", {
  mode: "plain",
  gateway: "plain",
  bridge: "plain",
  active: "plain",
  uuid: "plain",
});

/** A folder of disks. */
export const StoragePool = resourceClass<typeof storagePoolSchemas, StoragePoolOutputs>(
  "libvirt:index:StoragePool",
  { active: "plain", uuid: "plain" },
);

export type VolumeArgs = ArgsOf<typeof volumeSchemas>;

/** A disk in a storage pool. */
export const Volume = resourceClass<typeof volumeSchemas, VolumeOutputs>("libvirt:index:Volume", {
  format: "plain",
  capacity: "plain",
  path: "plain",
  generation: "plain",
});

/** An ISO image for cloud-init's NoCloud data source. */
export const CloudInitDisk = resourceClass<typeof cloudInitDiskSchemas, CloudInitDiskOutputs>(
  "libvirt:index:CloudInitDisk",
  { path: "plain", generation: "plain" },
  ["userData", "metaData", "networkConfig", "secretFiles"],
);

/** A virtual machine. */
export const Domain = resourceClass<typeof domainSchemas, DomainOutputs>("libvirt:index:Domain", {
  running: "plain",
  uuid: "plain",
  macAddresses: "plain",
  addresses: "plain",
  started: "plain",
});

/** The processor that a guest sees. */
export type DomainCpuArgs = ValueArgs<typeof domainSchemas.cpu>;

/** A device of the host for a `Domain`: a PCI device by address, or a mediated device by UUID. */
export type DomainHostDeviceArgs = ElementArgs<typeof domainSchemas.hostDevices>;

/** The PCI devices of libvirt's host, with what is needed to give one to a machine. */
export function hostDevicesOutput(opts?: pulumi.InvokeOutputOptions): pulumi.Output<HostDevicesResult> {
  return pulumi.runtime.invokeOutput<HostDevicesResult>("libvirt:index:hostDevices", {}, opts);
}
