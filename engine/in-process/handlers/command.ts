import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { z } from "zod";
import { checkInputs } from "../../../providers/framework/check.ts";
import { valueDiff } from "../../../providers/framework/diff.ts";
import { ProviderError } from "../../../providers/framework/resource.ts";
import type { Last, Operation, ResourceHandler } from "../handler.ts";
import type { Values } from "../values.ts";

export const inputSchema = {
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
const inputs = z.object(inputSchema);
const outputs = z.object({ stdout: z.string().default(""), stderr: z.string().default("") });
type Inputs = z.infer<typeof inputs>;

const GRACE_MILLISECONDS = 10_000;

/**
 * `command:local:Command`, as pulumi-command 1.x does it: `create` runs at creation, `update` (or `create`) when an
 * input changed, `delete` at the end; changed triggers replace. Relative paths start at the project's folder.
 */
export function commandHandler(root: string): ResourceHandler {
  async function run(
    command: string | undefined,
    input: Inputs,
    last: Values | undefined,
    operation: Operation,
  ) {
    const previous = outputs.parse(last ?? {});
    if (command === undefined) return previous;
    const [program, ...args] = [...(input.interpreter ?? ["/bin/sh", "-c"]), command];
    const passPrevious = input.addPreviousOutputInEnv !== false && last !== undefined;
    const child = execa(program, args, {
      cwd: input.dir ?? root,
      env: {
        ...input.environment,
        ...(passPrevious && {
          PULUMI_COMMAND_STDOUT: previous.stdout,
          PULUMI_COMMAND_STDERR: previous.stderr,
        }),
      },
      ...(input.stdin === undefined ? { stdin: "ignore" as const } : { input: input.stdin }),
      all: true,
      reject: false,
      // A process group of its own: what the command started has to end with it.
      detached: true,
    });
    const cancel = (): void => {
      endGroup(child.pid);
    };
    operation.signal.addEventListener("abort", cancel);
    const shown = input.logging ?? "stdoutAndStderr";
    const source = shown === "none" ? undefined : shown === "stdoutAndStderr" ? child.all : child[shown];
    if (source !== undefined) createInterface({ input: source }).on("line", operation.log);
    const result = await child.finally(() => {
      operation.signal.removeEventListener("abort", cancel);
    });
    operation.signal.throwIfAborted();
    if (result.failed) {
      const tail = result.all.trimEnd().split("\n").slice(-15).join("\n");
      throw new ProviderError(
        `\`${command.split("\n")[0] ?? ""}\` ended with ${describeEnd(result)}:\n${tail}`,
      );
    }
    return { stdout: result.stdout, stderr: result.stderr };
  }

  return {
    secretOutputs: [],
    outputsInheritSecrets: true,
    check: (raw) => {
      const { inputs, problems } = checkInputs(inputSchema, raw);
      return { inputs: inputs as Values, problems };
    },
    diff: (was, is) => {
      const properties = Object.keys(inputSchema).flatMap((key) => valueDiff(key, was[key], is[key]));
      const replaces = properties.some(({ path }) => path.startsWith("triggers")) ? ["triggers"] : [];
      return { properties, replaces, deleteBeforeReplace: false };
    },
    preview: (_urn, inputs) => inputs,
    identify: () => undefined,
    async create(raw, operation) {
      const input = inputs.parse(raw);
      const name = operation.urn.split("::").at(-1) ?? "command";
      const state = { ...raw, ...(await run(input.create, input, undefined, operation)) };
      return { id: `${name}${randomBytes(4).toString("hex")}`, inputs: raw, state };
    },
    read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
    async update(id, last, raw, operation) {
      const input = inputs.parse(raw);
      const state = { ...raw, ...(await run(input.update ?? input.create, input, last.state, operation)) };
      return { id, inputs: raw, state };
    },
    async delete(_id: string, last: Last, operation: Operation) {
      const input = inputs.parse(last.inputs);
      await run(input.delete, input, last.state, operation);
    },
  };
}

/** Asks a process group to end, and ends it if it does not. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  setTimeout(() => {
    signalGroup(pid, "SIGKILL");
  }, GRACE_MILLISECONDS).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function describeEnd(result: { exitCode?: number | undefined; signal?: string | undefined }): string {
  if (result.signal !== undefined) return `signal ${result.signal}`;
  return result.exitCode === undefined ? "no exit code" : `exit code ${result.exitCode}`;
}
