import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { stringify } from "yaml";
import { stackOutputsSchema, type StackOutputs } from "../../stacks/outputs.ts";
import { buildImage } from "../integration/roles/stage.ts";
import { aiHowCommand, type Running, type Said } from "./command.ts";
import { DistributionHost } from "./distribution-host.ts";
import { repository } from "./project.ts";
import { pulumiEnvironment, usePulumi } from "./pulumi.ts";
import { configurationOf, removeStack } from "./remove-stack.ts";

/** What the cluster file of a test's workstation says beyond two VMs for each cluster. */
export interface WorkstationSpec {
  /** Compute nodes of the HPC cluster. Default 1. */
  readonly computeNodes?: number;
  /** More keys of `slurm_config`. */
  readonly slurm?: object;
  /** Size of each disk, GiB. Default 10. */
  readonly diskGib?: number;
}

/**
 * A workstation stack on a host of its own: an HPC cluster of a controller and compute nodes, and a cloud cluster with a control
 * plane and a worker that does not start by itself; all from one image that boots by itself.
 */
export class Workstation {
  readonly host = new DistributionHost();
  readonly hpc: string;
  readonly cloud: string;
  readonly stack: string;
  readonly #engine: "in-process" | "pulumi";
  #folder = "";
  #golden: Record<string, string> = {};

  /** Registers its own setting up and taking down with vitest. */
  constructor(name: string, engine: "in-process" | "pulumi" = "in-process") {
    this.#engine = engine;
    this.hpc = name;
    this.cloud = `${name}-c`;
    this.stack = `test-${name}-${createHash("sha256").update(repository).digest("hex").slice(0, 4)}`;
    beforeAll(async () => {
      await removeStack(this.stack);
      this.#folder = await mkdtemp(join(tmpdir(), "workstation-"));
      if (engine === "pulumi") await this.#prepareBackend();
      this.#golden = (await buildImage()).state as Record<string, string>;
      await this.makeImage("one");
      await this.write();
      await this.host.make();
    });
    afterAll(async () => {
      await this.host.remove();
      await removeStack(this.stack);
      await rm(this.#folder, { recursive: true, force: true });
    });
  }

  /** The image of all machines, in the same place with other content for another word. */
  async makeImage(word: string): Promise<void> {
    const { disk = "", kernel = "", initrd = "" } = this.#golden;
    const script = join(import.meta.dirname, "bootable-image");
    await execa(script, [this.#image, disk, kernel, initrd, word]);
  }

  get #image(): string {
    return join(this.#folder, "image.qcow2");
  }

  async write(spec: WorkstationSpec = {}): Promise<void> {
    const file = join(this.#folder, "cluster.yaml");
    await writeFile(file, stringify(this.#clusterFile(spec)));
    await writeFile(
      configurationOf(this.stack),
      stringify({ config: { "ai-how:target": "workstation", "ai-how:clusterFile": file } }),
    );
  }

  #clusterFile({ computeNodes = 1, slurm = {}, diskGib = 10 }: WorkstationSpec): object {
    const node = { cpu_cores: 1, memory_gb: 1, disk_gb: diskGib };
    const common = { base_image_path: this.#image, hardware: { acceleration: "tcg" } };
    return {
      version: "1.0",
      metadata: { name: this.hpc, description: "One test's workstation" },
      clusters: {
        hpc: {
          name: this.hpc,
          ...common,
          network: { subnet: "10.78.1.0/24", bridge: "hpc0" },
          controller: { ...node, ip_address: "10.78.1.10" },
          compute_nodes: Array.from({ length: computeNodes }, (_, i) => ({
            ...node,
            ip: `10.78.1.${11 + i}`,
          })),
          slurm_config: { partitions: ["compute"], default_partition: "compute", ...slurm },
          storage: { nfs: { enabled: true } },
        },
        cloud: {
          name: this.cloud,
          ...common,
          network: { subnet: "10.78.2.0/24", bridge: "cloud0" },
          control_plane: { ...node, ip_address: "10.78.2.10" },
          worker_nodes: [{ ...node, ip: "10.78.2.11", auto_start: false }],
          kubernetes_config: { cni: "flannel", ingress: "none", storage_class: "local-path" },
        },
      },
    };
  }

  /** Runs Pulumi's own CLI on the stack, without ai-how; it has to succeed. */
  async pulumi(...args: string[]): Promise<Said> {
    return this.host.succeed(await usePulumi(), ...args, "--stack", this.stack, "--non-interactive");
  }

  /** State of Pulumi's engine lies in the test's folder, encrypted with a passphrase of its own. */
  async #prepareBackend(): Promise<void> {
    const backend = join(this.#folder, "backend");
    await mkdir(backend);
    await usePulumi();
    // vitest runs each file in a process of its own.
    Object.assign(process.env, pulumiEnvironment(backend));
  }

  /** Starts `ai-how COMMAND STACK ...` on the host. */
  start(command: string, ...args: string[]): Running {
    return this.host.start(aiHowCommand, command, this.stack, "--engine", this.#engine, ...args);
  }

  async run(command: string, ...args: string[]): Promise<Said> {
    return this.start(command, ...args).ended;
  }

  async succeed(command: string, ...args: string[]): Promise<Said> {
    const said = await this.run(command, ...args);
    if (said.exitCode !== 0) throw new Error(`${command} ended with ${said.exitCode}:\n${said.output}`);
    return said;
  }

  /** Runs a command on a machine by `ai-how ssh`. */
  async ssh(machine: string, command: string): Promise<Said> {
    const options = ["--stack", this.stack, "--engine", this.#engine];
    return this.host.start(aiHowCommand, "ssh", machine, ...options, "--", command).ended;
  }

  /** What a command on a machine prints, without the last line's end; it has to succeed. */
  async on(machine: string, command: string): Promise<string> {
    const said = await this.ssh(machine, command);
    if (said.exitCode !== 0) throw new Error(`${machine}: ${command}:\n${said.output}`);
    return said.stdout;
  }

  async outputs(): Promise<StackOutputs> {
    return stackOutputsSchema.parse(JSON.parse((await this.succeed("outputs", "--json")).stdout));
  }

  /** When each of these machines booted: a value that changes when it boots again. */
  async boots(...machines: string[]): Promise<Record<string, string>> {
    const boots = machines.map(async (name) => [
      name,
      await this.on(name, "cat /proc/sys/kernel/random/boot_id"),
    ]);
    return Object.fromEntries(await Promise.all(boots)) as Record<string, string>;
  }

  /** Names of everything that libvirt has. */
  async libvirt(): Promise<Record<"domains" | "networks" | "pools", string[]>> {
    const names = async (...args: string[]): Promise<string[]> =>
      (await this.host.virsh(...args, "--all", "--name"))
        .split("\n")
        .flatMap((name) => name.trim() || [])
        .sort();
    return {
      domains: await names("list"),
      networks: await names("net-list"),
      pools: await names("pool-list"),
    };
  }
}
