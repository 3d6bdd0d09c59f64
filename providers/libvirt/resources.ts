import * as pulumi from "@pulumi/pulumi";
import type { HostDevicesResult } from "./host-devices.ts";

export * from "./domain-resource.ts";
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

/** Arguments of a `Network`. */
export interface NetworkArgs {
  /** libvirt's name for it. */
  name: pulumi.Input<string>;
  /** `nat` (default): machines reach out through the host; `isolated`: each other only; `open`: routed, no filter. */
  mode?: pulumi.Input<"nat" | "isolated" | "open" | undefined>;
  /** IPv4 subnet, `192.168.100.0/24`. */
  subnet: pulumi.Input<string>;
  /** The host's own address in it; default is the subnet's first. */
  gateway?: pulumi.Input<string | undefined>;
  /** Name of the bridge, 15 characters at most; default is libvirt's next free `virbrN`. */
  bridge?: pulumi.Input<string | undefined>;
  /** Bytes; default is the kernel's, 1500. */
  mtu?: pulumi.Input<number | undefined>;
  /** DNS domain of the machines. */
  domain?: pulumi.Input<string | undefined>;
  /** Whether questions for names of `domain` that nobody here has stay here; default true. */
  domainLocal?: pulumi.Input<boolean | undefined>;
  /** Addresses for machines without a lease of their own; none by default. */
  dhcp?: pulumi.Input<{ start: pulumi.Input<string>; end: pulumi.Input<string> } | undefined>;
  /** Fixed leases; changed while the network runs, without disturbing anybody. */
  leases?: pulumi.Input<pulumi.Input<NetworkLeaseArgs>[] | undefined>;
  /** Names that its DNS server answers, besides those of the leases. */
  hosts?: pulumi.Input<
    { address: pulumi.Input<string>; names: pulumi.Input<pulumi.Input<string>[]> }[] | undefined
  >;
  /** Where questions that it cannot answer go; default is what the host itself asks. */
  forwarders?: pulumi.Input<
    { address: pulumi.Input<string>; domain?: pulumi.Input<string | undefined> }[] | undefined
  >;
  /** Started with libvirtd; default true. */
  autostart?: pulumi.Input<boolean | undefined>;
  /** Whether it runs; default true. */
  active?: pulumi.Input<boolean | undefined>;
}

/** An address that DHCP always gives to the same interface. */
export interface NetworkLeaseArgs {
  /** The interface's MAC address. */
  mac: pulumi.Input<string>;
  /** An address of the subnet, other than the gateway's. */
  address: pulumi.Input<string>;
  /** Host name that DHCP announces and DNS answers; none by default. */
  name?: pulumi.Input<string | undefined>;
}

/** A virtual network. */
export class Network extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly mode: pulumi.Output<"nat" | "isolated" | "open">;
  declare readonly subnet: pulumi.Output<string>;
  /** The host's address in the network. */
  declare readonly gateway: pulumi.Output<string>;
  /** The bridge's name, also where libvirt chose it. */
  declare readonly bridge: pulumi.Output<string>;
  declare readonly domain: pulumi.Output<string | undefined>;
  declare readonly active: pulumi.Output<boolean>;
  declare readonly uuid: pulumi.Output<string>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      mode: undefined,
      gateway: undefined,
      bridge: undefined,
      active: undefined,
      uuid: undefined,
    };
    super("libvirt:index:Network", name, { ...outputs, ...args }, opts);
  }
}

/** Arguments of a `StoragePool`. */
export interface StoragePoolArgs {
  /** libvirt's name for it. */
  name: pulumi.Input<string>;
  /** The folder that holds its volumes; created when it is not there, and removed if it is empty then. */
  path: pulumi.Input<string>;
  /** Started with libvirtd; default true. */
  autostart?: pulumi.Input<boolean | undefined>;
  /** Whether it runs; default true. */
  active?: pulumi.Input<boolean | undefined>;
}

/** A folder of disks. */
export class StoragePool extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly path: pulumi.Output<string>;
  declare readonly active: pulumi.Output<boolean>;
  declare readonly uuid: pulumi.Output<string>;

  constructor(name: string, args: StoragePoolArgs, opts?: pulumi.CustomResourceOptions) {
    super("libvirt:index:StoragePool", name, { active: undefined, uuid: undefined, ...args }, opts);
  }
}

/** Arguments of a `Volume`. */
export interface VolumeArgs {
  /** Name of the pool. */
  pool: pulumi.Input<string>;
  /** File name in the pool. */
  name: pulumi.Input<string>;
  /** `qcow2` by default. */
  format?: pulumi.Input<"qcow2" | "raw" | undefined>;
  /** Bytes that the machine sees; default is the size of the image below. Grows in place, shrinking replaces. */
  capacity?: pulumi.Input<number | undefined>;
  /** A local image file in the same format whose content is copied in; none by default. */
  source?: pulumi.Input<string | undefined>;
  /** SHA-256 of `source` in hexadecimal digits; another content is an error. Default: whatever is there. */
  sourceDigest?: pulumi.Input<string | undefined>;
  /** An image on libvirt's host that is shared and never written; none by default. */
  backing?: pulumi.Input<{ path: pulumi.Input<string>; format: pulumi.Input<"qcow2" | "raw"> } | undefined>;
  /** Whether it holds work: then no change replaces it, unless the engine is told to. False by default. */
  keep?: pulumi.Input<boolean | undefined>;
}

/** A disk in a storage pool. */
export class Volume extends pulumi.CustomResource {
  declare readonly pool: pulumi.Output<string>;
  declare readonly name: pulumi.Output<string>;
  declare readonly format: pulumi.Output<"qcow2" | "raw">;
  /** Bytes that the machine sees. */
  declare readonly capacity: pulumi.Output<number>;
  /** The file's path on libvirt's host. */
  declare readonly path: pulumi.Output<string>;
  /** A random UUID made when its content was new: it changes whenever the volume is made again. */
  declare readonly generation: pulumi.Output<string>;

  constructor(name: string, args: VolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { format: undefined, capacity: undefined, path: undefined, generation: undefined };
    super("libvirt:index:Volume", name, { ...outputs, ...args }, opts);
  }
}

/** Arguments of a `CloudInitDisk`; what is in it is secret, but for `files`. */
export interface CloudInitDiskArgs {
  /** Name of the pool. */
  pool: pulumi.Input<string>;
  /** File name in the pool. */
  name: pulumi.Input<string>;
  /** cloud-init's user-data. */
  userData: pulumi.Input<string>;
  /** cloud-init's meta-data, with `instance-id` and `local-hostname`. */
  metaData: pulumi.Input<string>;
  /** cloud-init's network-config; none by default, then cloud-init uses DHCP. */
  networkConfig?: pulumi.Input<string | undefined>;
  /** Other files by their paths on the disk, which cloud-init leaves alone; none by default. */
  files?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The same for files that are secret. */
  secretFiles?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/** An ISO image for cloud-init's NoCloud data source. */
export class CloudInitDisk extends pulumi.CustomResource {
  declare readonly pool: pulumi.Output<string>;
  declare readonly name: pulumi.Output<string>;
  /** The file's path on libvirt's host. */
  declare readonly path: pulumi.Output<string>;
  /** A random UUID made with the disk: it changes whenever the disk is made again. */
  declare readonly generation: pulumi.Output<string>;

  constructor(name: string, args: CloudInitDiskArgs, opts?: pulumi.CustomResourceOptions) {
    const { userData, metaData, networkConfig, secretFiles, ...rest } = args;
    const contents = {
      userData: pulumi.secret(userData),
      metaData: pulumi.secret(metaData),
      ...(networkConfig === undefined ? {} : { networkConfig: pulumi.secret(networkConfig) }),
      ...(secretFiles === undefined ? {} : { secretFiles: pulumi.secret(secretFiles) }),
    };
    super(
      "libvirt:index:CloudInitDisk",
      name,
      { path: undefined, generation: undefined, ...rest, ...contents },
      pulumi.mergeOptions(opts, {
        additionalSecretOutputs: ["userData", "metaData", "networkConfig", "secretFiles"],
      }),
    );
  }
}

/** The PCI devices of libvirt's host, with what is needed to give one to a machine. */
export function hostDevicesOutput(opts?: pulumi.InvokeOutputOptions): pulumi.Output<HostDevicesResult> {
  return pulumi.runtime.invokeOutput<HostDevicesResult>("libvirt:index:hostDevices", {}, opts);
}
