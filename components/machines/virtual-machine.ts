import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import * as libvirt from "../../providers/libvirt/resources.ts";
import { checkArguments } from "../arguments.ts";
import { childOf } from "../options.ts";
import { metaData, networkConfig, userData } from "./cloud-init.ts";
import { identityFiles, secretIdentityFiles } from "./identity.ts";
import { GpuDevice } from "./gpu-device.ts";
import { sshAccess, type Machine, type SshEndpoint, type SshLogin } from "./machine.ts";
import { numaCells } from "./numa.ts";
import { virtualMachineProblems, type VirtualMachineArgs } from "./virtual-machine-arguments.ts";

const GIB = 1024 ** 3;

/** A VM on libvirt that boots from an image. The stack creates its SSH host key, so that clients can verify the first connection. */
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
        capacity: pulumi.output(args.diskGib).apply((gib) => gib * GIB),
        backing: { path: image.disk, format: "qcow2" },
        keep: true,
      },
      // A disk keeps its backing image, because it contains the user's data; roles update the machine instead. A replacement has the
      // same file name, so the old disk goes first.
      { ...childOf(this, opts), ignoreChanges: ["backing"], deleteBeforeReplace: true },
    );

    const user = pulumi
      .all([domain, hostKey.publicKey, args.adminKey.publicKey])
      .apply(([domain, hostPublicKey, authorizedKey]) => {
        return { hostname, domain, adminUser, authorizedKey, hostPublicKey, mounts };
      });
    const lan = pulumi.output({
      domain,
      mac: args.mac,
      address: `${args.address}/${network.prefix}`,
      gateway: network.gateway,
    });
    const cloudInit = new libvirt.CloudInitDisk(
      `${name}-cloud-init`,
      {
        name: `${hostname}-cloud-init.iso`,
        pool: args.pool,
        userData: pulumi
          .all([user, hostKey.privateKey])
          .apply(([of, hostPrivateKey]) => userData({ ...of, hostPrivateKey })),
        metaData: metaData(hostname),
        networkConfig: lan.apply(networkConfig),
        files: pulumi.all([user, lan]).apply(([of, lan]) => identityFiles(of, lan)),
        secretFiles: hostKey.privateKey.apply((hostPrivateKey) => secretIdentityFiles({ hostPrivateKey })),
      },
      childOf(this, opts),
    );

    const gpus = (args.gpus ?? []).map(({ index, pciAddress: address = "", vgpu }) =>
      vgpu === undefined
        ? { type: "pci" as const, address }
        : new GpuDevice(`${name}-gpu-${index}`, { address, vgpu }, { parent: this }).hostDevice,
    );
    const hostDevices = [
      ...gpus,
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
        // aarch64 has no BIOS: booting from a disk needs UEFI.
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
        // libvirt writes its own log of the machine to NAME.log.
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

    const { address, adminKey, proxyCommand } = args;
    const access = sshAccess({ address, adminUser, adminKey, hostKey, proxyCommand, machineId: machine.id });
    this.address = access.address;
    this.login = access.login;
    this.ssh = access.ssh;
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
