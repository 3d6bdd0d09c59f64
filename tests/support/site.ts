import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { sandboxPlaces, type SandboxPlaces } from "../../providers/host/sandbox-places.ts";
import { stackOutputsSchema, type StackOutputs } from "../../stacks/outputs.ts";
import { connect, findMachine, ssh, type Connection } from "../../cli/connection.ts";
import type { StackResource } from "../../engine/engine.ts";
import { InProcessEngine } from "../../engine/in-process/index.ts";
import { resourcesOf } from "../../engine/pulumi/state.ts";
import { clusterFile, machineNames, type ClusterSpec } from "./cluster-file.ts";
import { aiHowCommand, Running, type CommandOptions, type Said } from "./command.ts";
import { leftovers } from "./leftovers.ts";
import { processes } from "./processes.ts";
import { repository } from "./project.ts";
import { pulumiEnvironment, usePulumi } from "./pulumi.ts";
import { SecretWatch } from "./secret-watch.ts";
import { configurationOf, removeStack } from "./remove-stack.ts";
import { secretsOf, secretsOfExport, type Secret } from "./secrets.ts";

export interface SiteSpec extends Omit<ClusterSpec, "name"> {
  /** Default in-process. */
  readonly engine?: "in-process" | "pulumi";
}

/**
 * A stack of one file's tests, with a cluster file of its own. Whatever the tests leave of it is removed afterwards;
 * whatever its commands say, and what command lines the host has meanwhile, is looked through for its secrets.
 */
export class Site {
  /** Starts the name of every machine. */
  readonly cluster: string;
  readonly stack: string;
  readonly places: SandboxPlaces;
  #spec: ClusterSpec;
  readonly #engine: "in-process" | "pulumi";
  readonly #watch: SecretWatch;
  readonly #running = new Set<Running>();
  readonly #networkNamespaces = new Set<string>();
  readonly #machines = new Set<string>();
  #folder = "";
  /** How machines are reached, as the state of that time says it. */
  #connection: { readonly at: number; readonly to: Connection } | undefined;
  #env: Record<string, string> = {};

  /** Registers its own setting up and taking down with vitest: make it inside the `describe` that it is for. */
  constructor(name: string, { engine = "in-process", ...spec }: SiteSpec) {
    this.cluster = name;
    // Two checkouts may run their tests on one host.
    const checkout = createHash("sha256").update(repository).digest("hex").slice(0, 4);
    this.stack = `test-${name}-${checkout}`;
    this.places = sandboxPlaces(this.stack);
    this.#spec = { name, ...spec };
    this.#engine = engine;
    this.#watch = new SecretWatch({
      stack: this.stack,
      stateFile: () => this.#keptState,
      open: () => this.#secretsNow(),
      folders: [this.places.runtime, this.places.state, join(repository, ".ai-how")],
    });
    beforeAll(async () => {
      await removeStack(this.stack);
      this.#folder = await mkdtemp(join(tmpdir(), `${this.stack}-`));
      if (engine === "pulumi") await this.#prepareBackend();
      await this.write(this.#spec.computeNodes);
      await writeFile(
        this.configuration,
        `config:\n  ai-how:target: dev\n  ai-how:clusterFile: ${this.clusterFile}\n`,
      );
      this.#watch.start();
    });
    afterAll(async () => {
      this.#watch.stop();
      await Promise.all([...this.#running].map((command) => command.kill()));
      await removeStack(this.stack);
      await rm(this.#folder, { recursive: true, force: true });
    });
  }

  get configuration(): string {
    return configurationOf(this.stack);
  }

  get clusterFile(): string {
    return join(this.#folder, "cluster.yaml");
  }

  get stateFile(): string {
    return join(repository, ".ai-how", `${this.stack}.json`);
  }

  /** Names of the machines that the cluster file asks for, the controller first. */
  get machines(): string[] {
    return machineNames(this.#spec);
  }

  /** Writes the cluster file with this many compute nodes. */
  async write(computeNodes: number): Promise<void> {
    await this.change({ computeNodes });
  }

  /** Writes the cluster file with something else in it. */
  async change(changes: Partial<Omit<ClusterSpec, "name">>): Promise<void> {
    this.#spec = { ...this.#spec, ...changes };
    for (const name of this.machines) this.#machines.add(name);
    await writeFile(this.clusterFile, clusterFile(this.#spec));
  }

  /** Starts `ai-how COMMAND STACK ...`. */
  start(command: string, ...args: string[]): Running {
    return this.launch(aiHowCommand, [command, this.stack, "--engine", this.#engine, ...args]);
  }

  /** Starts any program, remembering what it says. */
  launch(program: string, args: readonly string[], options: CommandOptions = {}): Running {
    const running = new Running(program, args, { ...options, env: { ...this.#env, ...options.env } });
    this.#running.add(running);
    void running.ended.then(async ({ output }) => {
      this.#running.delete(running);
      this.#noteNamespace();
      await this.#watch.hear(output);
    });
    return running;
  }

  /** Runs `ai-how COMMAND STACK ...` to its end, whatever that is. */
  async run(command: string, ...args: string[]): Promise<Said> {
    const said = await this.start(command, ...args).ended;
    await this.#watch.learn();
    return said;
  }

  /** Runs `ai-how` and expects it to succeed. */
  async succeed(command: string, ...args: string[]): Promise<Said> {
    const said = await this.run(command, ...args);
    if (said.exitCode !== 0)
      throw new Error(`${command} ended with ${said.exitCode ?? said.signal ?? "nothing"}:\n${said.output}`);
    return said;
  }

  /** Runs Pulumi's own CLI on the stack, without ai-how, to its end. */
  async pulumi(...args: string[]): Promise<Said> {
    const cli = await usePulumi();
    return this.launch(cli, [...args, "--stack", this.stack, "--non-interactive"]).ended;
  }

  /** Runs a command on a machine by `ai-how ssh`. */
  async ssh(machine: string, ...command: string[]): Promise<Said> {
    const options = ["--stack", this.stack, "--engine", this.#engine];
    return this.launch(aiHowCommand, ["ssh", machine, ...options, "--", ...command]).ended;
  }

  /** What a command on a machine prints, without the last line's end; it has to succeed. */
  async on(machine: string, command: string): Promise<string> {
    const said = await (this.#engine === "in-process"
      ? this.#straight(machine, command)
      : this.ssh(machine, command));
    if (said.exitCode !== 0) throw new Error(`${machine}: ${command}:\n${said.output}`);
    return said.stdout;
  }

  /** As `ai-how ssh` does it, in half the time: the state is opened only when it was written. */
  async #straight(name: string, command: string): Promise<Pick<Said, "exitCode" | "stdout" | "output">> {
    const { mtimeMs } = statSync(this.stateFile);
    if (this.#connection?.at !== mtimeMs) {
      const engine = new InProcessEngine({ root: repository, stack: this.stack });
      this.#connection = { at: mtimeMs, to: await connect(engine, this.stack) };
    }
    const { to } = this.#connection;
    const said = await ssh(repository, to, findMachine(to, name), [command], { all: true, reject: false });
    await this.#watch.hear(said.all);
    return { exitCode: said.exitCode, stdout: said.stdout, output: said.all };
  }

  /** A secret output, which is not remembered among what commands said. */
  async secretOutput(name: string): Promise<string> {
    const args = ["outputs", this.stack, "--engine", this.#engine, "--secret", name];
    const said = await new Running(aiHowCommand, args, { env: this.#env }).ended;
    if (said.exitCode !== 0) throw new Error(said.output);
    return said.stdout;
  }

  /** `ai-how outputs --json`, in the form that other programs rely on. */
  async outputs(): Promise<StackOutputs> {
    return stackOutputsSchema.parse(JSON.parse((await this.succeed("outputs", "--json")).stdout));
  }

  /** When a machine began to run: a value that changes when it boots again. */
  boot(machine: string): Promise<string> {
    return this.on(machine, "cat /proc/sys/kernel/random/boot_id; cut -d' ' -f22 /proc/1/stat");
  }

  /** The same of each machine, by name. */
  async boots(): Promise<Record<string, string>> {
    const boots = await Promise.all(this.machines.map(async (name) => [name, await this.boot(name)]));
    return Object.fromEntries(boots) as Record<string, string>;
  }

  /** Names of the machines that run on the host as VMs or containers, a name for each time that it does. */
  runningMachines(): string[] {
    return processes()
      .flatMap(({ arguments: args }) => {
        const said = args.join(" ");
        if (!said.includes(`${this.places.state}/`)) return [];
        const program = basename(args[0] ?? "");
        if (program === "systemd-nspawn") return /--hostname=(\S+)/.exec(said)?.[1] ?? [];
        return program.startsWith("qemu-system-") ? (/guest=([^,\s]+)/.exec(said)?.[1] ?? []) : [];
      })
      .sort();
  }

  /** What virsh says inside the sandbox. */
  async virsh(...args: string[]): Promise<string> {
    return (await execa("virsh", ["-c", this.places.uri, ...args])).stdout;
  }

  /** The process that is a container machine, as its provider finds it. */
  leader(machine: string): number {
    return Number(readFileSync(join(this.places.containers, machine, "leader"), "utf8").split(" ")[0]);
  }

  /** The resources as the engine shows them, secrets known and marked. */
  async state(): Promise<readonly StackResource[]> {
    if (this.#engine === "pulumi") return resourcesOf(JSON.parse(await this.#exported()));
    return new InProcessEngine({ root: repository, stack: this.stack }).resources();
  }

  /** Resources of the state file: `type name`, sorted; what was begun and not finished is marked. */
  resources(): string[] {
    const { resources, pending } = JSON.parse(readFileSync(this.stateFile, "utf8")) as Record<
      "resources" | "pending",
      { urn: string }[]
    >;
    return [...resources.map(({ urn }) => urn), ...pending.map(({ urn }) => `begun: ${urn}`)].sort();
  }

  leftovers(): string[] {
    return leftovers({
      stack: this.stack,
      cluster: this.cluster,
      machines: this.#machines,
      networkNamespaces: this.#networkNamespaces,
      since: this.#watch.since,
    });
  }

  /** Where secrets of this stack have shown so far. Fails when it could not have found any. */
  leaks(): Promise<string[]> {
    return this.#watch.leaks();
  }

  /** A stack's namespace is new after an `up` and lost after a `down`. */
  #noteNamespace(): void {
    const found = statSync(`/run/netns/${this.places.namespace}`, { throwIfNoEntry: false });
    if (found?.dev === statSync("/proc/self/ns/net").dev) this.#networkNamespaces.add(`net:[${found.ino}]`);
  }

  /** The file that the engine keeps the state in. */
  get #keptState(): string {
    if (this.#engine === "in-process") return this.stateFile;
    return join(this.#folder, "backend", ".pulumi", "stacks", "ai-how", `${this.stack}.json`);
  }

  async #secretsNow(): Promise<Secret[]> {
    return this.#engine === "in-process" ? secretsOf(this.stack) : secretsOfExport(await this.#exported());
  }

  /** What Pulumi's own engine has as the stack's state. */
  async #exported(): Promise<string> {
    const cli = await usePulumi();
    const args = ["stack", "export", "--show-secrets", "--stack", this.stack, "--non-interactive"];
    return (await execa(cli, args, { cwd: repository, env: this.#env })).stdout;
  }

  /** State of Pulumi's own engine is kept apart, with a passphrase of its own. */
  async #prepareBackend(): Promise<void> {
    const backend = join(this.#folder, "backend");
    await mkdir(backend);
    await usePulumi();
    this.#env = pulumiEnvironment(backend);
  }
}
