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
  preview: "show what `up` would do, with nothing needed on this host",
  up: "make the stack what its cluster file says",
  refresh: "compare the state with what is really there",
  down: "remove everything that the stack made",
};

/** `preview`, `up`, `refresh` and `down`: the engine's runs. */
export function addRuns(program: Command): void {
  for (const run of Object.keys(DESCRIPTIONS) as Run[]) {
    const command = withStack(program.command(run))
      .description(DESCRIPTIONS[run])
      .option("--parallel <count>", "how many resources are worked on at a time", "16");
    if (run === "up" || run === "preview") {
      command.addOption(
        new Option("--machines <kind>", "what the stack's nodes are; kept in the stack's file").choices([
          "vm",
          "container",
        ]),
      );
    }
    if (run === "up" || run === "preview") {
      command.option(
        "--replace <machine...>",
        "give this machine a new disk, even where that loses what is on its own",
      );
    }
    if (run === "down") {
      command.option(
        "--exclude-protected",
        "keep what is protected, as a database's data, and what it needs",
      );
    }
    if (run === "preview") {
      command.addOption(
        new Option("-f, --format <format>", "how to print it; json is the whole plan, for programs")
          .choices(["text", "json"])
          .default("text"),
      );
    }
    command.action((stack: string, options: RunOptions) => executeRun(run, stack, options));
  }
}

/** Runs the engine with the display, on the resources with these URNs; what `up` and its like do, and `start`. */
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
    write(`Pulumi.${stack}.yaml: ai-how:machines is ${options.machines} from now on\n`);
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

/** The first Ctrl-C asks the engine to stop in order; a second one ends the program at once. */
async function runUntilSignal(
  engine: Engine,
  run: Run,
  options: Omit<Parameters<Engine["down"]>[0], "signal">,
): ReturnType<Engine["up"]> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(130);
    process.stderr.write("stopping; what was begun is finished or cleaned up at the next run\n");
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
