/** A folder of the program, or a file at its root. */
export interface Room {
  /** What lives there; Markdown. */
  readonly holds: string;
  /** The rooms, folders and files that it may import besides itself and packages. */
  readonly imports: readonly string[];
}

const components = [
  "config/site.ts",
  "config/temporal.ts",
  "config/project-folders.ts",
  "gpu",
  "versions",
  "providers/libvirt/resources.ts",
  "providers/host/resources.ts",
];

/** The rooms of the program: tests/unit/architecture holds their imports, and docs/reference/rooms.md shows them. */
export const ROOMS: Readonly<Record<string, Room>> = {
  versions: {
    holds:
      "every version and checksum that is pinned, a file a kind, except what a package manager's own file pins",
    imports: [],
  },
  wire: {
    holds: "Pulumi's protocol, for whoever speaks it: URNs, values with their marks, gRPC",
    imports: [],
  },
  gpu: {
    holds:
      "GPU models with MIG, the planner of partitions, and their names in SLURM and Kubernetes: pure functions",
    imports: [],
  },
  config: {
    holds: "the cluster file: schema, cross-checks, templating, and the `Site` that stacks read",
    imports: ["gpu"],
  },
  "providers/framework": {
    holds: "the framework of our providers: typed resources, checks, diffs, a gRPC server",
    imports: ["wire"],
  },
  "providers/libvirt": {
    holds: "Network, StoragePool, Volume, CloudInitDisk, Domain; `hostDevices`",
    imports: ["providers/framework"],
  },
  "providers/host": {
    holds:
      "Sandbox, Image, PackerImage, Container, DockerDaemon, Folder, Hypervisor, SshKey, SshReady, RandomSecret, " +
      "CpuAllocation, VirtualGpu, SlurmDrains",
    imports: ["providers/framework", "versions"],
  },
  components: {
    holds:
      "one ComponentResource a file and one subject a folder: `machines`, `images`, `gpu`, `ansible`, `hpc`, `docker`, `workshop`",
    imports: components,
  },
  stacks: {
    holds: "one program a target, and the format of its outputs",
    imports: ["components", "config", "gpu"],
  },
  "index.ts": { holds: "the Pulumi program", imports: ["stacks", "config"] },
  policy: {
    holds: "[what no stack may do](../policies.md): rules, and the policy pack of them for Pulumi's CLI",
    imports: ["versions", "wire"],
  },
  "engine/select.ts": {
    holds: "decides which engine runs: the one place that knows both",
    imports: ["engine", "engine/in-process", "config"],
  },
  "engine/in-process": {
    holds: "the engine for a first try and for air gaps: packages `host`, `libvirt` and `command`",
    imports: ["engine", "config", "providers", "policy", "wire"],
  },
  engine: {
    holds: "what an engine is, and the one that runs Pulumi's CLI; has the policies checked",
    imports: ["config", "policy", "wire"],
  },
  services: {
    holds: "programs that a person runs or a stack deploys: development containers, jobs, pipelines",
    imports: ["config", "versions"],
  },
  cli: {
    holds: "the `ai-how` command, one file a subcommand",
    imports: [
      "config",
      "gpu",
      "engine",
      "engine/select.ts",
      "wire",
      "stacks/outputs.ts",
      "providers",
      "services",
      "package.json",
    ],
  },
};
