import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { execa } from "execa";
import type { Listener } from "../events.ts";

const FLAGS = [
  // Without this, V8 lets the heap of a program with 5,000 resources triple before it collects garbage (`bench/`).
  "--heap-growing-percent=20",
  // The SDK records a stack trace for each promise. One frame instead of ten makes a preview a fifth faster.
  "--stack-trace-limit=1",
];

export interface ProgramOptions {
  /** The folder of Pulumi.yaml. */
  readonly root: string;
  /** The program's entry, relative to the root. */
  readonly main: string;
  readonly project: string;
  readonly stack: string;
  /** The stack's configuration, keys with their namespace. */
  readonly config: Readonly<Record<string, string>>;
  readonly preview: boolean;
  readonly parallel: number;
  /** The address of the `Monitor`. */
  readonly address: string;
  readonly emit: Listener;
  readonly signal: AbortSignal;
}

/** Runs the program in its own process with the SDK's runner, as Pulumi's language host does; returns the exit code. */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run/index.js");
  const args = [
    ...FLAGS,
    runner,
    `--monitor=${options.address}`,
    `--engine=${options.address}`,
    `--project=${options.project}`,
    `--stack=${options.stack}`,
    `--root-directory=${options.root}`,
    `--pwd=${options.root}`,
    `--parallel=${options.parallel}`,
    ...(options.preview ? ["--dry-run"] : []),
    options.main,
  ];
  const child = execa(process.execPath, args, {
    cwd: options.root,
    env: {
      PULUMI_NODEJS_TYPESCRIPT: "false",
      PULUMI_CONFIG: JSON.stringify(options.config),
    },
    stdin: "ignore",
    all: true,
    reject: false,
    buffer: false,
    cancelSignal: options.signal,
  });
  createInterface({ input: child.all }).on("line", (line) => {
    options.emit({ type: "log", urn: "", level: "info", line });
  });
  const result = await child;
  return result.exitCode ?? 1;
}
