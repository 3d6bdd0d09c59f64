import type { Command } from "commander";

/** Adds one module's commands to the program. */
type Add = (program: Command) => void;

interface Source {
  /** The commands that it adds, hidden ones included. */
  readonly names: readonly string[];
  readonly load: () => Promise<Add>;
}

/** The module of each command, in the order of `--help`. */
export const SOURCES: readonly Source[] = [
  {
    names: ["preview", "up", "refresh", "down"],
    load: async () => (await import("./runs.ts")).addRuns,
  },
  { names: ["outputs"], load: async () => (await import("./outputs.ts")).addOutputs },
  { names: ["status"], load: async () => (await import("./status.ts")).addStatus },
  { names: ["ssh"], load: async () => (await import("./ssh.ts")).addSsh },
  { names: ["stop", "start", "restart"], load: async () => (await import("./machines.ts")).addMachines },
  { names: ["topology"], load: async () => (await import("./topology.ts")).addTopology },
  { names: ["validate"], load: async () => (await import("./validate.ts")).addValidate },
  { names: ["inventory"], load: async () => (await import("./inventory.ts")).addInventory },
  { names: ["plan"], load: async () => (await import("./plan.ts")).addPlan },
  { names: ["graph"], load: async () => (await import("./graph.ts")).addGraph },
  { names: ["render"], load: async () => (await import("./render.ts")).addRender },
  { names: ["doctor"], load: async () => (await import("./doctor/index.ts")).addDoctor },
  { names: ["verify"], load: async () => (await import("./verify/index.ts")).addVerify },
  { names: ["pipeline"], load: async () => (await import("./pipeline/index.ts")).addPipeline },
  { names: ["job"], load: async () => (await import("./job/index.ts")).addJob },
  { names: ["dev"], load: async () => (await import("./dev.ts")).addDev },
  { names: ["spack"], load: async () => (await import("./spack.ts")).addSpack },
  {
    names: ["hpc", "cloud", "system", "vm"],
    load: async () => (await import("./removed-commands.ts")).addRemovedCommands,
  },
];

/**
 * Adds the command that the first word names, and no other: loading the modules of all commands takes a quarter of a second. If the
 * first word names none (`--help`, a typing error), adds all commands.
 */
export async function addCommands(program: Command, first: string | undefined): Promise<void> {
  const named = SOURCES.find(({ names }) => first !== undefined && names.includes(first));
  if (named !== undefined) {
    (await named.load())(program);
    return;
  }
  for (const { load } of SOURCES) (await load())(program);
  const { addCompletion } = await import("./completion.ts");
  addCompletion(program);
}
