import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import * as libvirt from "../../providers/libvirt/resources.ts";
import type { GpuPlan } from "../../gpu/index.ts";
import { checkArguments } from "../arguments.ts";
import { childOf } from "../options.ts";
import type { BootImage } from "../images/boot-image.ts";
import { metaData, networkConfig, userData } from "./cloud-init.ts";
import { identityFiles, secretIdentityFiles } from "./identity.ts";
import { GpuDevice } from "../gpu/gpu-device.ts";
import type { Machine, SshEndpoint, SshLogin } from "./machine.ts";
import { numaCells } from "./numa.ts";
import type { Platform } from "./platform.ts";
import { virtualMachineProblems } from "./virtual-machine-arguments.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

export interface VirtualMachineArgs {
  hostname: string;
  image: BootImage;
  network: VirtualNetwork;
  /** libvirt's storage pool for its disks. */
  pool: pulumi.Input<string>;
  /** Where its serial console is logged. */
  consoleDirectory: pulumi.Output<string>;
  cpus: number;
  /** MiB */
  memoryMib: number;
  /** GiB */
  diskGib: number;
  mac: string;
  /** Its fixed address in the network. */
  address: string;
  /** DNS domain of its network. */
  domain: string;
  /** What it runs as. */
  platform: Platform;
  /** The user that Ansible and people log in as. Default `admin`. */
  adminUser?: string;
  /** Key pair of that user. */
  adminKey: host.SshKey;
  /** How SSH gets into the network; undefined: directly. */
  proxyCommand?: pulumi.Input<string>;
  /** Whether it starts by itself, and with its host where `autostart` says so; else it is defined, and left as people leave it. Default true. */
  running?: boolean;
  /** Whether it comes back when its host boots. Default false. */
  autostart?: boolean;
  /** Sockets, and threads of a core; cores follow from `cpus`. Default: QEMU's, a socket for each. */
  cpuTopology?: { readonly sockets: number; readonly threads: number };
  /** NUMA nodes that it sees; its processors and its memory are dealt out evenly. Default: one. */
  numaNodes?: number;
  /** GPUs of the host that it gets, each with its PCI address. Default none. */
  gpus?: GpuPlan;
  /** PCI addresses of other devices of the host that it gets. Default none. */
  passthrough?: readonly string[];
  /** Folders of the host that it mounts by virtiofs. Default none. */
  mounts?: readonly VirtualMachineMount[];
  /** Size in KiB of the huge pages that its memory lies in. Default: ordinary memory. */
  hugepages?: 2048 | 1048576;
  /** Whether other processes of the host can map its memory; with mounts they always can. Default false. */
  sharedMemory?: boolean;
  /** The host's processors that its own are pinned to, one by one. Default: not pinned. */
  hostCpus?: pulumi.Input<readonly number[]>;
}

/** A folder of the host in a VM. */
export interface VirtualMachineMount {
  readonly tag: string;
  readonly hostPath: string;
  readonly mountPoint: string;
  /** Mount options, `rw,relatime`. */
  readonly options: string;
}

const GIB = 1024 ** 3;
/** A VM on libvirt that starts from a golden image and is known by a host key of its own from the first connection on. */
export class VirtualMachine extends pulumi.ComponentResource implements Machine {
  readonly name: string;
  readonly kind = "vm";
  readonly address: pulumi.Output<string>;
  readonly ssh: pulumi.Output<SshEndpoint>;
  readonly login: SshLogin;
  readonly ready: pulumi.Output<string>;
  readonly registered: pulumi.Output<pulumi.URN>;

  constructor(name: string, args: VirtualMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:VirtualMachine", name, {}, opts);
    checkArguments(name, virtualMachineProblems(args));
    const { hostname, domain, image, network, platform } = args;
    const { cpus, cpuTopology, mounts = [], hugepages, hostCpus } = args;
    const adminUser = args.adminUser ?? "admin";
    const running = args.running ?? true;
    this.name = hostname;

    const hostKey = new host.SshKey(`${name}-host-key`, { comment: hostname }, { parent: this });

    const disk = new libvirt.Volume(
      `${name}-disk`,
      {
        name: `${hostname}.qcow2`,
        pool: args.pool,
        format: "qcow2",
        capacity: args.diskGib * GIB,
        backing: { path: image.disk, format: "qcow2" },
        keep: true,
      },
      // A machine keeps the image that it began with: its disk holds work, and roles bring it up to date. Where a new disk is asked
      // for, the two have one name.
      { ...childOf(this, opts), ignoreChanges: ["backing"], deleteBeforeReplace: true },
    );

    const user = pulumi
      .all([hostKey.publicKey, args.adminKey.publicKey])
      .apply(([hostPublicKey, authorizedKey]) => {
        return { hostname, domain, adminUser, authorizedKey, hostPublicKey, mounts };
      });
    const lan = {
      domain,
      mac: args.mac,
      address: `${args.address}/${network.prefix}`,
      gateway: network.gateway,
    };
    const cloudInit = new libvirt.CloudInitDisk(
      `${name}-cloud-init`,
      {
        name: `${hostname}-cloud-init.iso`,
        pool: args.pool,
        userData: pulumi
          .all([user, hostKey.privateKey])
          .apply(([of, hostPrivateKey]) => userData({ ...of, hostPrivateKey })),
        metaData: metaData(hostname),
        networkConfig: networkConfig(lan),
        files: user.apply((of) => identityFiles(of, lan)),
        secretFiles: hostKey.privateKey.apply((hostPrivateKey) => secretIdentityFiles({ hostPrivateKey })),
      },
      childOf(this, opts),
    );

    const gpus = (args.gpus ?? []).map(
      (gpu) => new GpuDevice(`${name}-gpu-${gpu.index}`, { gpu }, { parent: this }),
    );
    const hostDevices = [
      ...gpus.map(({ hostDevice }) => hostDevice),
      ...(args.passthrough ?? []).map((address) => ({ type: "pci" as const, address })),
    ];

    const machine = new libvirt.Domain(
      `${name}-domain`,
      {
        name: hostname,
        arch: platform.arch,
        type: platform.type,
        machine: platform.machine,
        cpu: platform.cpu,
        // An Arm server has no BIOS to boot a disk from.
        ...(platform.arch === "aarch64" && image.direct === undefined && { firmware: "uefi" as const }),
        ...(cpuTopology !== undefined && {
          cpu: platform.cpu.apply((cpu) => ({ ...cpu, topology: topologyOf(cpus, cpuTopology) })),
        }),
        vcpus: cpus,
        memory: args.memoryMib,
        ...(args.numaNodes !== undefined && {
          numaCells: numaCells(args.numaNodes, cpus, args.memoryMib, hugepages ?? 1024),
        }),
        ...(image.direct !== undefined && {
          boot: {
            kernel: image.direct.kernel,
            initrd: image.direct.initrd,
            cmdline: pulumi
              .all([image.direct.arguments, platform.kernelArguments])
              .apply((parts) => parts.filter((part) => part !== "").join(" ")),
          },
        }),
        disks: [
          { volume: disk.path, generation: disk.generation, format: "qcow2" },
          { volume: cloudInit.path, format: "raw", readonly: true },
        ],
        interfaces: [{ network: network.networkName, mac: args.mac }],
        // Not NAME.log, where libvirt keeps its own log of the machine.
        consoleLog: args.consoleDirectory.apply((directory) => `${directory}/${hostname}-console.log`),
        ...(hostDevices.length > 0 && { hostDevices }),
        ...(mounts.length > 0 && { mounts: mounts.map(({ tag, hostPath }) => ({ tag, source: hostPath })) }),
        ...(hugepages !== undefined && { hugepages }),
        ...(args.sharedMemory === true && { sharedMemory: true }),
        ...(hostCpus !== undefined && { cpuPinning: pulumi.output(hostCpus).apply(pinned) }),
        running,
        autostart: running && (args.autostart ?? false),
      },
      { ...childOf(this, opts), ignoreChanges: ["boot", ...(running ? [] : ["running"])] },
    );

    this.address = machine.id.apply(() => args.address);
    this.login = { user: adminUser, port: 22, hostKey: hostKey.publicKey, proxyCommand: args.proxyCommand };
    this.ssh = pulumi.secret(
      pulumi
        .all([hostKey.publicKey, args.adminKey.privateKey, args.proxyCommand, machine.id])
        .apply(([publicKey, privateKey, proxyCommand]) => ({
          address: args.address,
          port: 22,
          user: adminUser,
          hostKey: publicKey,
          privateKey,
          ...(proxyCommand !== undefined && { proxyCommand }),
        })),
    );
    this.ready = running
      ? new host.SshReady(
          `${name}-ready`,
          { ssh: this.ssh, generation: disk.generation, starts: [machine.started] },
          { parent: this },
        ).ready
      : disk.generation;
    this.registered = machine.urn;
    this.registerOutputs({ address: this.address, ready: this.ready });
  }
}

function topologyOf(
  cpus: number,
  { sockets, threads }: { readonly sockets: number; readonly threads: number },
): { sockets: number; cores: number; threads: number } {
  return { sockets, cores: cpus / (sockets * threads), threads };
}

function pinned(hostCpus: readonly number[]): { vcpu: number; cpus: string }[] {
  return hostCpus.map((number, vcpu) => ({ vcpu, cpus: String(number) }));
}
