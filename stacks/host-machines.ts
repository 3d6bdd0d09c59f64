import * as pulumi from "@pulumi/pulumi";
import type { HostDevices } from "../components/gpu/host-devices.ts";
import { CpuPinning } from "../components/machines/cpu-pinning.ts";
import { DiskPool } from "../components/machines/disk-pool.ts";
import { LibvirtHost } from "../components/machines/libvirt-host.ts";
import type { Machine } from "../components/machines/machine.ts";
import { platformOf } from "../components/machines/platform.ts";
import { VirtualMachine } from "../components/machines/virtual-machine.ts";
import { allocationsOf } from "../config/allocations.ts";
import { UserError } from "../config/errors.ts";
import type { Cluster, Network, Site } from "../config/site.ts";
import { hostDevices, nodeDevices } from "./host-devices.ts";
import { imageDigests, imagesOf } from "./images.ts";
import { clusterNetwork, existingHosts, hostArchitecture, type MachinesByName } from "./machines.ts";

// libvirt's log folder, where its AppArmor profile allows it to write.
const CONSOLES = "/var/log/libvirt/qemu";
const IMAGES = "/var/lib/libvirt/images";
const KIB_OF_HUGEPAGE = { "2M": 2048, "1G": 1048576 } as const;

interface HostMachines extends MachinesByName {
  /** The private key, a secret. Undefined if all machines are existing hosts. */
  readonly adminKey: pulumi.Output<string> | undefined;
}

/** Makes the machines of all clusters on the host's libvirt, which keeps them running after this program ends. */
export async function makeHostMachines(site: Site, uri: string): Promise<HostMachines> {
  const digests = await imageDigests(site);
  const machines = new Map<string, Machine>(site.clusters.flatMap(existingHosts));
  const hasVirtual = site.clusters.some(({ nodes }) => nodes.some((node) => node.kind === "virtual"));
  const host = hasVirtual ? new LibvirtHost(`${site.name}-host`, { uri }) : undefined;
  const devices = hostDevices(site, uri);
  const { cpus } = allocationsOf(site);
  const pinning = cpus.length > 0 ? new CpuPinning(`${site.name}-cpus`, { requests: cpus }) : undefined;
  for (const cluster of site.clusters) {
    if (host === undefined || cluster.network === undefined) continue;
    const context = { site, host, digests, devices, pinning };
    for (const [name, machine] of clusterMachines(context, cluster, cluster.network))
      machines.set(name, machine);
  }
  return {
    of(name) {
      const machine = machines.get(name);
      if (machine === undefined) throw new UserError(`${name} is not a node of ${site.name}`);
      return machine;
    },
    adminKey: host?.adminKey.privateKey,
  };
}

/** What the machines of all clusters share. */
interface HostContext {
  readonly site: Site;
  readonly host: LibvirtHost;
  /** SHA-256 of image files, by path. */
  readonly digests: ReadonlyMap<string, string | undefined>;
  readonly devices: HostDevices | undefined;
  /** Undefined if no machine has dedicated CPUs. */
  readonly pinning: CpuPinning | undefined;
}

function clusterMachines(
  { site, host, digests, devices, pinning }: HostContext,
  cluster: Cluster,
  addressing: Network,
): (readonly [string, VirtualMachine])[] {
  const { name, acceleration } = cluster;
  const nodes = cluster.nodes.filter((node) => node.kind === "virtual");
  const onHost = { provider: host.libvirt };
  const { network, addressOf } = clusterNetwork(site, cluster, addressing, onHost);
  const { poolName } = new DiskPool(
    `${name}-pool`,
    { poolName: `${name}-pool`, path: `${IMAGES}/${name}` },
    onHost,
  );
  const imageOf = imagesOf(cluster, poolName, digests, onHost);
  const platform = platformOf({
    arch: hostArchitecture(),
    // No silent fallback to emulation: without KVM, `up` fails.
    type: pulumi.output(acceleration.mode === "tcg" ? ("qemu" as const) : ("kvm" as const)),
    cpuModel: acceleration.cpuModel,
    features: [...acceleration.cpuFeatures, ...(acceleration.nested ? NESTED : [])],
  });
  return nodes.map((node) => {
    const machine = new VirtualMachine(
      node.name,
      {
        hostname: node.name,
        image: imageOf(node),
        network,
        pool: poolName,
        consoleDirectory: pulumi.output(CONSOLES),
        cpus: node.cpus,
        memoryMib: node.memoryMib,
        diskGib: node.diskGib,
        mac: node.mac,
        address: addressOf(node),
        domain: addressing.domain,
        platform,
        adminKey: host.adminKey,
        running: node.autoStart,
        autostart: true,
        ...nodeDevices(node),
        mounts: node.mounts,
        ...(acceleration.cpuTopology !== undefined && { cpuTopology: acceleration.cpuTopology }),
        ...(acceleration.numaNodes !== undefined && { numaNodes: acceleration.numaNodes }),
        sharedMemory: acceleration.sharedMemory,
        ...(acceleration.hugepages !== undefined && { hugepages: KIB_OF_HUGEPAGE[acceleration.hugepages] }),
        ...(acceleration.cpuPinning && pinning !== undefined && { hostCpus: pinning.of(node.name) }),
      },
      { ...onHost, ...(devices !== undefined && { dependsOn: [devices] }) },
    );
    return [node.name, machine] as const;
  });
}

// Optional: the host's CPU has one of the two, and libvirt ignores the other.
const NESTED = [
  { name: "vmx", policy: "optional" as const },
  { name: "svm", policy: "optional" as const },
];
