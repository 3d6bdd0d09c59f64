import type { Command } from "commander";
import { Option } from "commander";
import { UserError } from "../config/errors.ts";
import { Display } from "../engine/display.ts";
import type { Engine } from "../engine/engine.ts";
import { preview } from "../engine/policies.ts";
import { setStackConfig } from "../engine/project.ts";
import { planDocument } from "./plan-document.ts";
import { disksOf } from "./power-switch.ts";
import { openStack, withStack, type StackOptions } from "./stack.ts";

type Run = "preview" | "up" | "refresh" | "down";
interface RunOptions extends StackOptions {
  readonly machines?: "vm" | "container";
  readonly parallel: string;
  readonly format?: "text" | "json";
  readonly excludeProtected?: boolean;
  readonly replace?: string[];
}

const DESCRIPTIONS: Readonly<Record<Run, string>> = {
  preview: "show what `up` would do; needs no host",
  up: "create or change the stack as its cluster file says",
  refresh: "update the state from the real resources, and show differences",
  down: "delete the stack's resources",
};

/** `preview`, `up`, `refresh` and `down`: the engine's runs. */
export function addRuns(program: Command): void {
  for (const run of Object.keys(DESCRIPTIONS) as Run[]) {
    const command = withStack(program.command(run))
      .description(DESCRIPTIONS[run])
      .option("--parallel <count>", "largest number of operations at a time", "16");
    if (run === "up" || run === "preview") {
      command.addOption(
        new Option("--machines <kind>", "kind of the stack's nodes; saved in the stack's file").choices([
          "vm",
          "container",
        ]),
      );
    }
    if (run === "up" || run === "preview") {
      command.option(
        "--replace <machine...>",
        "give this machine a new disk, even if that loses the data on its old one",
      );
    }
    if (run === "down") {
      command.option(
        "--exclude-protected",
        "keep protected resources, for example a database's data, and what they need",
      );
    }
    if (run === "preview") {
      command.addOption(
        new Option("-f, --format <format>", "format of the output; json is the whole plan, for programs")
          .choices(["text", "json"])
          .default("text"),
      );
    }
    command.action((stack: string, options: RunOptions) => executeRun(run, stack, options));
  }
}

/** Runs the engine with the display, for these commands and `start`. `targets`: URNs of the only resources that may change. */
export async function executeRun(
  run: Run,
  stack: string,
  options: RunOptions,
  targets?: readonly string[],
): Promise<void> {
  const parallel = Number(options.parallel);
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw new UserError(`--parallel ${options.parallel}: give a whole number of 1 or more`, { exitCode: 2 });
  }
  const { reference, engine, because } = await openStack(stack, options);
  const document = options.format === "json";
  const write = (text: string): void => void (document ? process.stderr : process.stdout).write(text);
  write(
    `${stack}: ${run} by ${engine.name === "pulumi" ? "Pulumi's CLI" : "the in-process engine"} (${because})\n`,
  );
  if (
    options.machines !== undefined &&
    (await setStackConfig(reference.root, stack, "ai-how:machines", options.machines))
  ) {
    write(`Pulumi.${stack}.yaml: ai-how:machines is now ${options.machines}\n`);
  }
  const replace = options.replace && disksOf(await engine.resources(), options.replace);
  if (document) {
    const plan = await planDocument(engine, reference, parallel, replace);
    process.stdout.write(`${JSON.stringify(plan, undefined, 2)}\n`);
    process.exitCode = plan.failures.length + plan.violations.length > 0 ? 1 : 0;
    return;
  }
  const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  const display = new Display({ write, colour, preview: run === "preview" });
  try {
    const only = {
      ...(targets !== undefined && { targets }),
      ...(replace !== undefined && { replace }),
      ...(options.excludeProtected !== undefined && { excludeProtected: options.excludeProtected }),
    };
    display.finish(await runUntilSignal(engine, run, { emit: display.listen, parallel, ...only }), false);
  } catch (error) {
    display.finish({}, true);
    throw error;
  }
}

/** The first Ctrl-C asks the engine to stop cleanly; a second one ends the program at once. */
async function runUntilSignal(
  engine: Engine,
  run: Run,
  options: Omit<Parameters<Engine["down"]>[0], "signal">,
): ReturnType<Engine["up"]> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(130);
    process.stderr.write("stopping; the next run finishes or cleans up operations that have begun\n");
    abort.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const all = { ...options, signal: abort.signal };
    return await (run === "preview" ? preview(engine, all) : engine[run](all));
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
