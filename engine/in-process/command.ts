import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { z } from "zod";
import {
  type Context,
  ProviderError,
  resourceType,
  type ProviderDefinition,
} from "../../providers/framework/resource.ts";
import { nameOf } from "../../wire/urn.ts";

const inputSchema = {
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  triggers: z.array(z.json()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  dir: z.string().optional(),
  interpreter: z.tuple([z.string()], z.string()).optional(),
  stdin: z.string().optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
};
type Inputs = z.output<z.ZodObject<typeof inputSchema>>;
interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}
type Operation = Pick<Context<object>, "signal" | "log">;

const GRACE_MILLISECONDS = 10_000;

/** The part of Pulumi's provider `command` that the stacks use. Relative paths start at `root`, the project's folder. */
export function command(root: string): ProviderDefinition<object> {
  return { name: "command", version: "1.2.1", config: {}, resources: [localCommand(root)], invokes: [] };
}

/** Runs `create` at creation, `update` (default `create`) when an input changes, and `delete` at deletion. Changed triggers replace. */
function localCommand(root: string) {
  return resourceType<object, Inputs, Inputs & CommandOutput>({
    token: "command:local:Command",
    inputs: inputSchema,
    changes: {
      ...{ create: "update", update: "update", delete: "update", environment: "update", dir: "update" },
      ...{ interpreter: "update", stdin: "update", logging: "update", addPreviousOutputInEnv: "update" },
      triggers: "replace",
    },
    deleteBeforeReplace: false,
    secretsSpread: true,
    volatile: ["stdout", "stderr"],
    identify: () => undefined,
    async create(inputs, operation) {
      const output = await run(root, inputs.create, inputs, undefined, operation);
      const id = `${nameOf(operation.urn)}${randomBytes(4).toString("hex")}`;
      return { id, inputs, state: { ...inputs, ...output } };
    },
    read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
    async update(id, { state }, inputs, operation) {
      const output = await run(root, inputs.update ?? inputs.create, inputs, state, operation);
      return { id, inputs, state: { ...inputs, ...output } };
    },
    async delete(_id, { inputs, state }, operation) {
      await run(root, inputs.delete, inputs, state, operation);
    },
  });
}

async function run(
  root: string,
  line: string | undefined,
  inputs: Inputs,
  last: CommandOutput | undefined,
  { signal, log }: Operation,
): Promise<CommandOutput> {
  const { stdout = "", stderr = "" } = last ?? {};
  if (line === undefined) return { stdout, stderr };
  const [program, ...args] = [...(inputs.interpreter ?? ["/bin/sh", "-c"]), line];
  const passPrevious = inputs.addPreviousOutputInEnv !== false && last !== undefined;
  const child = execa(program, args, {
    cwd: inputs.dir ?? root,
    env: {
      ...inputs.environment,
      ...(passPrevious && { PULUMI_COMMAND_STDOUT: stdout, PULUMI_COMMAND_STDERR: stderr }),
    },
    ...(inputs.stdin === undefined ? { stdin: "ignore" as const } : { input: inputs.stdin }),
    all: true,
    reject: false,
    // In its own process group, so that the command's children end with it.
    detached: true,
  });
  const cancel = (): void => {
    endGroup(child.pid);
  };
  signal.addEventListener("abort", cancel);
  const shown = inputs.logging ?? "stdoutAndStderr";
  const source = shown === "none" ? undefined : shown === "stdoutAndStderr" ? child.all : child[shown];
  if (source !== undefined) createInterface({ input: source }).on("line", log);
  const result = await child.finally(() => {
    signal.removeEventListener("abort", cancel);
  });
  signal.throwIfAborted();
  if (result.failed) {
    const tail = result.all.trimEnd().split("\n").slice(-15).join("\n");
    throw new ProviderError(`\`${line.split("\n")[0] ?? ""}\` ended with ${describeEnd(result)}:\n${tail}`);
  }
  return { stdout: result.stdout, stderr: result.stderr };
}

/** Sends SIGTERM to a process group, and SIGKILL if it does not end. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  signal("SIGTERM");
  setTimeout(signal, GRACE_MILLISECONDS, "SIGKILL").unref();
}

function describeEnd(result: { exitCode?: number | undefined; signal?: string | undefined }): string {
  if (result.signal !== undefined) return `signal ${result.signal}`;
  return result.exitCode === undefined ? "no exit code" : `exit code ${result.exitCode}`;
}
