import { mkdtemp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { checkout } from "./checkout.ts";
import { cost, time, type Command, type Cost } from "./measure.ts";

export type EngineName = "in-process" | "pulumi";

/** A copy of this project with its own stacks, so that a benchmark does not touch the checkout's. */
export class BenchProject {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<BenchProject> {
    const project = new BenchProject(await mkdtemp(join(tmpdir(), "ai-how-bench-")));
    const own = [
      ".git",
      ".ai-how",
      ...(await readdir(checkout)).filter((name) => name.startsWith("Pulumi.")),
    ];
    for (const name of await readdir(checkout)) {
      if (!own.includes(name) || name === "Pulumi.yaml")
        await symlink(join(checkout, name), join(project.root, name));
    }
    await mkdir(join(project.root, ".ai-how"), { mode: 0o700 });
    return project;
  }

  /** A project whose program makes nothing. */
  static async createEmpty(): Promise<BenchProject> {
    const project = new BenchProject(await mkdtemp(join(tmpdir(), "ai-how-bench-empty-")));
    for (const name of ["node_modules", "package.json"])
      await symlink(join(checkout, name), join(project.root, name));
    await writeFile(join(project.root, "index.ts"), "export {};\n");
    await writeFile(
      join(project.root, "Pulumi.yaml"),
      stringify({
        name: "empty",
        runtime: { name: "nodejs", options: { typescript: false } },
        main: "index.ts",
        options: { refresh: "always" },
      }),
    );
    await project.addStack("empty", {});
    return project;
  }

  async addStack(stack: string, config: Readonly<Record<string, string>>): Promise<void> {
    await writeFile(join(this.root, `Pulumi.${stack}.yaml`), stringify({ config }));
  }

  /** Writes the cluster file of a stack. */
  async writeCluster(stack: string, machines: "vm" | "container", computeNodes: number): Promise<void> {
    const file = `${stack}.cluster.yaml`;
    await writeFile(join(this.root, file), stringify(clusterFile(machines, computeNodes)));
    await this.addStack(stack, { "ai-how:target": "dev", "ai-how:clusterFile": file });
  }

  /** Runs a command; returns seconds and output. */
  run(engine: EngineName, command: string, stack: string, ...args: string[]): ReturnType<typeof time> {
    return time(this.#command(engine, command, stack, args));
  }

  /** As `run`, with memory. */
  cost(engine: EngineName, command: string, stack: string): Promise<Cost> {
    return cost(this.#command(engine, command, stack, []));
  }

  #command(engine: EngineName, command: string, stack: string, args: readonly string[]): Command {
    return {
      file: join(checkout, "bin", "ai-how"),
      args: [command, stack, "--engine", engine, ...args],
      cwd: this.root,
      env: { AI_HOW_ENGINE: engine, NO_COLOR: "1" },
    };
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** A cluster like that of stacks/dev.yaml, with a number of compute nodes. */
function clusterFile(machines: "vm" | "container", computeNodes: number): unknown {
  const address = (host: number): string => `10.64.${host >> 8}.${host & 255}`;
  return {
    version: "1.0",
    metadata: { name: "bench", description: "made by bench/" },
    machines,
    clusters: {
      hpc: {
        name: "bench",
        image: { distribution: "debian12" },
        network: { subnet: "10.64.0.0/16", bridge: "virbr-bench" },
        controller: { cpu_cores: 1, memory_mb: 1536, disk_gb: 10, ip_address: address(10) },
        compute_nodes: Array.from({ length: computeNodes }, (_, index) => ({
          cpu_cores: 1,
          memory_gb: 1,
          disk_gb: 10,
          ip: address(11 + index),
        })),
        slurm_config: { partitions: ["compute"], default_partition: "compute", max_job_time: "24:00:00" },
        storage: { nfs: { enabled: true, server: "controller", mount_point: "/scratch" } },
      },
    },
  };
}
