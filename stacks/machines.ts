import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import pLimit from "p-limit";
import { beegfsImagePackages } from "../components/hpc/beegfs.ts";
import { ContainerMachine } from "../components/machines/container-machine.ts";
import { ExistingHost } from "../components/machines/existing-host.ts";
import { GoldenImage } from "../components/images/golden-image.ts";
import type { Machine } from "../components/machines/machine.ts";
import { Sandbox } from "../components/machines/sandbox.ts";
import { platformOf } from "../components/machines/platform.ts";
import { VirtualMachine } from "../components/machines/virtual-machine.ts";
import { VirtualNetwork } from "../components/machines/virtual-network.ts";
import { UserError } from "../config/errors.ts";
import type { Cluster, HpcCluster, Network, Site, VirtualNode } from "../config/site.ts";
import { dnsOf } from "./dns.ts";

/** The machines of a site, by the names of its nodes. */
export interface MachinesByName {
  of(name: string): Machine;
}

/** The machines of a cluster, by the names of its nodes. */
export interface Machines extends MachinesByName {
  /** How virtual nodes run, and why. Undefined if all machines are existing hosts. */
  readonly virtualization: { type: pulumi.Input<string>; because: pulumi.Input<string> } | undefined;
  /** The private key, a secret. Undefined if all machines are existing hosts. */
  readonly adminKey: pulumi.Output<string> | undefined;
}

// Limits memory: the SDK keeps 100 KiB for each resource in flight, and a thousand machines at once took 1.5 GB.
const IN_FLIGHT = 32;

/** Makes the machines of a cluster. Virtual nodes run in a sandbox; existing hosts stay as they are. */
export async function makeMachines(site: Site, cluster: HpcCluster): Promise<Machines> {
  const machines = new Map<string, Machine>(existingHosts(cluster));
  const virtual = cluster.nodes.filter((node) => node.kind === "virtual");
  const sandbox =
    virtual.length > 0 && cluster.network !== undefined
      ? await sandboxMachines(site, cluster, cluster.network, virtual, machines)
      : undefined;
  return {
    of(name) {
      const machine = machines.get(name);
      if (machine === undefined) throw new UserError(`${name} is not a node of ${cluster.name}`);
      return machine;
    },
    virtualization:
      sandbox &&
      (sandbox.hypervisor === undefined
        ? { type: "container", because: "asked for" }
        : { type: sandbox.hypervisor.domainType, because: sandbox.hypervisor.because }),
    adminKey: sandbox?.adminKey.privateKey,
  };
}

/** The existing hosts of a cluster, by the names of their nodes. */
export function existingHosts({ nodes }: Cluster): (readonly [string, Machine])[] {
  return nodes.flatMap((node) => {
    if (node.kind === "virtual") return [];
    const { host, port, user, hostKey, privateKeyPath } = node.ssh;
    const ssh = {
      address: host,
      port,
      user,
      hostKey,
      ...(privateKeyPath !== undefined && { privateKeyPath }),
    };
    const machine = new ExistingHost(node.name, { hostname: node.name, address: node.address ?? host, ssh });
    return [[node.name, machine] as const];
  });
}

/** This machine's CPU architecture in libvirt's words. VMs have the same. */
export function hostArchitecture(): "x86_64" | "aarch64" {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}

/** Makes the network of a cluster's virtual nodes, and gives the address of each node in it. */
export function clusterNetwork(
  site: Site,
  cluster: Cluster,
  addressing: Network,
  opts: pulumi.ComponentResourceOptions,
): { network: VirtualNetwork; addressOf: (node: VirtualNode) => string } {
  const nodes = cluster.nodes.filter((node) => node.kind === "virtual");
  const addressOf = ({ name, address }: VirtualNode): string => {
    if (address === undefined) throw new Error(`no address of ${name}: the site was not derived`);
    return address;
  };
  const network = new VirtualNetwork(
    `${cluster.name}-network`,
    {
      name: addressing.name,
      bridge: addressing.bridge,
      subnet: addressing.subnet,
      gateway: addressing.gateway,
      domain: addressing.domain,
      dhcpRange: { start: addressing.dhcpStart, end: addressing.dhcpEnd },
      mode: site.internet ? "nat" : "isolated",
      dns: dnsOf(site, cluster.name, addressing),
      leases: nodes.map((node) => ({ name: node.name, mac: node.mac, address: addressOf(node) })),
    },
    opts,
  );
  return { network, addressOf };
}

async function sandboxMachines(
  site: Site,
  cluster: HpcCluster,
  addressing: Network,
  nodes: readonly VirtualNode[],
  machines: Map<string, Machine>,
): Promise<Sandbox> {
  const image = goldenImage(cluster, nodes);
  const sandbox = new Sandbox(`${cluster.name}-sandbox`, {
    sandboxName: pulumi.getStack(),
    internet: site.internet,
    ...(site.machines === "vm" && {
      virtualMachines: { acceleration: cluster.acceleration.mode, kernel: image.direct.kernel },
    }),
  });
  const inside = { provider: sandbox.libvirt, deletedWith: sandbox.resource };
  const { network, addressOf } = clusterNetwork(site, cluster, addressing, inside);
  const { nfs } = cluster.storage;
  const platform =
    sandbox.hypervisor &&
    platformOf({
      arch: hostArchitecture(),
      type: sandbox.hypervisor.domainType,
      cpuModel: cluster.acceleration.cpuModel,
    });
  const makeMachine = (node: VirtualNode): Machine => {
    const common = {
      hostname: node.name,
      image,
      network,
      mac: node.mac,
      address: addressOf(node),
      adminKey: sandbox.adminKey,
      proxyCommand: sandbox.proxyCommand,
      running: node.autoStart,
    };
    return platform === undefined
      ? new ContainerMachine(
          node.name,
          {
            ...common,
            networkNamespace: sandbox.networkNamespace,
            stateDirectory: sandbox.stateDirectory,
            binds: [
              // A kernel cannot mount its own NFS export in another container, so nodes share a folder of the host.
              ...(nfs === undefined ? [] : [{ source: sandbox.sharedDirectory, target: nfs.mountPoint }]),
              ...node.mounts.map(({ hostPath, mountPoint, options }) => ({
                source: hostPath,
                target: mountPoint,
                readOnly: options.split(",").includes("ro"),
                existing: true,
              })),
            ],
          },
          // No `deletedWith`: a container's processes have their own namespaces and survive the sandbox.
          { provider: sandbox.libvirt },
        )
      : new VirtualMachine(
          node.name,
          {
            ...common,
            pool: sandbox.pool,
            consoleDirectory: sandbox.consoleDirectory,
            cpus: node.cpus,
            memoryMib: node.memoryMib,
            diskGib: node.diskGib,
            domain: addressing.domain,
            platform,
            mounts: node.mounts,
          },
          inside,
        );
  };
  await pLimit(IN_FLIGHT).map(nodes, async (node) => {
    const machine = makeMachine(node);
    machines.set(node.name, machine);
    await new Promise((resolve) => machine.registered.apply(resolve));
  });
  return sandbox;
}

function goldenImage({ name, image, storage }: HpcCluster, nodes: readonly VirtualNode[]): GoldenImage {
  if (image?.kind !== "built" || nodes.some((node) => !isDeepStrictEqual(node.image, image))) {
    throw new UserError(
      "the target dev uses one image for all nodes; set `image:` instead of `base_image_path:`",
    );
  }
  return new GoldenImage(`${name}-image`, {
    distribution: image.distribution,
    ...(image.mirror !== undefined && { mirror: image.mirror }),
    ...(storage.beegfs !== undefined && { packages: beegfsImagePackages(image.distribution) }),
  });
}
