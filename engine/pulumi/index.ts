import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import which from "which";
import { UserError } from "../../config/errors.ts";
import type { Violation } from "../../policy/rule.ts";
import type { DownOptions, Engine, RunOptions, StackPlan, StackReference, StackResource } from "../engine.ts";
import type { Summary } from "../events.ts";
import {
  FIX_PROGRAM,
  NOTHING_CHANGED,
  POLICY_PACK,
  problemsOnly,
  refusal,
  refuse,
  resourceViolations,
  stackViolations,
} from "../policies.ts";
import { protectedMessage } from "../protection.ts";
import { Cli, NoStack } from "./cli.ts";
import { summaryOf, translate } from "./events.ts";
import { ObservedPlan } from "./observed-plan.ts";
import { resourcesOf } from "./state.ts";

/** Runs the program with Pulumi's own CLI. */
export class PulumiEngine implements Engine {
  readonly name = "pulumi";
  readonly #cli: Cli;
  /** Path of the language host, once it has failed to run a policy pack. */
  #oldHost: string | undefined;

  /** `cli` is the path of the `pulumi` executable. */
  constructor(reference: StackReference, cli: string) {
    this.#cli = new Cli(reference, cli);
  }

  async plan(options: RunOptions): Promise<StackPlan> {
    const plan = await this.#plan(options);
    this.#warnOfOldHost(options.emit);
    return plan;
  }

  async #plan(options: RunOptions): Promise<StackPlan> {
    const folder = await mkdtemp(join(tmpdir(), "ai-how-plan-"));
    try {
      return await this.#planIn(folder, options);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #planIn(folder: string, options: RunOptions): Promise<StackPlan> {
    const [plan, levels] = [join(folder, "plan.json"), join(folder, "levels.json")];
    // Advisory violations do not fail the preview; the plan lists them.
    await writeFile(levels, JSON.stringify({ all: "advisory" }));
    const found: Violation[] = [];
    const emit: RunOptions["emit"] = (event) => {
      if (event.type === "violation") found.push(event);
      else options.emit(event);
    };
    const observed = new ObservedPlan();
    const summary = await this.#withPack((pack) =>
      this.#run(
        "preview",
        { ...options, emit },
        ["--save-plan", plan, ...pack, ...(pack.length > 0 ? ["--policy-pack-config", levels] : [])],
        { observe: observed.observe },
      ),
    );
    const resources = await observed.resources(plan);
    const stays = resources.filter(({ operation }) => operation !== "delete");
    // Pulumi hides secrets from policy packs, so ai-how applies the rules for whole stacks itself.
    const violations = [
      ...(this.#oldHost === undefined ? found : resourceViolations(stays)),
      ...stackViolations(stays),
    ];
    return { resources, summary, violations };
  }

  async up(options: RunOptions): Promise<Summary> {
    // Pulumi itself checks a resource only just before it is made, when others exist already, and the stack only afterwards.
    const { summary, violations } = await this.#plan({ ...options, emit: problemsOnly(options.emit) });
    this.#warnOfOldHost(options.emit);
    refuse(violations, options.emit, NOTHING_CHANGED);
    const { same: _same, ...changes } = summary;
    // A plan without changes has read every resource and knows all values: another check or refresh would find nothing.
    if (Object.keys(changes).length === 0) return this.#up(options, ["--refresh=false"]);
    const done = await this.#withPack((pack) => this.#up(options, pack));
    const made = await this.resources();
    refuse(
      [...(this.#oldHost === undefined ? [] : resourceViolations(made)), ...stackViolations(made)],
      options.emit,
      FIX_PROGRAM,
    );
    return done;
  }

  #up(options: RunOptions, pack: readonly string[]): Promise<Summary> {
    return this.#run("up", options, ["--yes", "--skip-preview", ...pack]);
  }

  async refresh(options: RunOptions): Promise<Summary> {
    if ((await this.resources()).length === 0) return {};
    return this.#run("refresh", options, ["--yes", "--skip-preview"], { refreshing: true });
  }

  async down(options: DownOptions): Promise<Summary> {
    const { excludeProtected = false } = options;
    const kept = await this.resources();
    if (kept.length === 0) return {};
    // Pulumi would delete other resources before it reaches the protected one and fails.
    const protectedOne = excludeProtected ? undefined : kept.find(({ protect }) => protect);
    if (protectedOne !== undefined) throw new UserError(protectedMessage(protectedOne, "deleted"));
    const more = excludeProtected ? ["--exclude-protected"] : [];
    return this.#run("destroy", options, ["--yes", "--skip-preview", ...more]);
  }

  async resources(): Promise<readonly StackResource[]> {
    const exported = await this.#cli.state();
    return exported === undefined ? [] : resourcesOf(exported);
  }

  /** Runs with the policy pack, or without it if the language host cannot run it. */
  async #withPack(run: (pack: readonly string[]) => Promise<Summary>): Promise<Summary> {
    if (this.#oldHost === undefined) {
      try {
        return await run(["--policy-pack", POLICY_PACK]);
      } catch (error) {
        if (!(error instanceof Error) || !PACK_REFUSED.test(error.message)) throw error;
      }
      const { PATH } = await this.#cli.environment();
      const found = await which(LANGUAGE_HOST, { nothrow: true, ...(PATH && { path: PATH }) });
      this.#oldHost = found ?? LANGUAGE_HOST;
    }
    return run([]);
  }

  #warnOfOldHost(emit: RunOptions["emit"]): void {
    if (this.#oldHost === undefined) return;
    const line =
      `${this.#oldHost} is older than Pulumi's CLI and cannot run policy packs, so ai-how checks the plan and the result; ` +
      "to check each resource before it is made, put the language host of the CLI's release first on PATH";
    emit({ type: "log", urn: "", level: "warning", line });
  }

  async #run(
    command: "preview" | "up" | "refresh" | "destroy",
    options: RunOptions,
    args: readonly string[],
    { refreshing = false, observe }: RunDetails = {},
  ): Promise<Summary> {
    const reported = { failure: false, violations: 0 };
    let summary: Summary = {};
    const onEvent = (event: EngineEvent): void => {
      observe?.(event);
      if (event.summaryEvent !== undefined)
        summary = summaryOf(event.summaryEvent.resourceChanges, refreshing);
      for (const translated of translate(event, refreshing)) {
        if (translated.type === "violation") reported.violations += 1;
        if (translated.type === "failed" || (translated.type === "log" && translated.level === "error")) {
          // A line such as "update failed" after violations is no failure of its own.
          if (reported.violations > 0 && translated.type === "log" && translated.line.endsWith(" failed"))
            continue;
          reported.failure = true;
        }
        options.emit(translated);
      }
    };
    const { parallel, targets = [], replace = [] } = options;
    const all = [
      ...[command, ...args, "--parallel", String(parallel)],
      ...targets.flatMap((urn) => ["--target", urn]),
      ...replace.flatMap((urn) => ["--replace", urn]),
    ];
    try {
      const environment = command === "preview" ? WITHOUT_CHECKPOINTS : {};
      const run = () => this.#cli.run(all, onEvent, options.signal, environment);
      await run().catch(async (error: unknown) => {
        if (!(error instanceof NoStack)) throw error;
        await this.#cli.create();
        await run();
      });
    } catch (error) {
      // The events have already reported the failure.
      if (reported.failure) throw new UserError("the run failed", { cause: error });
      if (reported.violations > 0) throw refusal(reported.violations, FIX_PROGRAM);
      throw error;
    }
    return summary;
  }
}

// Otherwise a preview encrypts and discards the whole state after each resource, which takes 6 of the CLI's 7 s of CPU time at 600
// resources.
const WITHOUT_CHECKPOINTS = { PULUMI_SKIP_CHECKPOINTS: "true" };

const LANGUAGE_HOST = "pulumi-language-nodejs";
// The CLI's message.
const PACK_REFUSED = /could not read plugin .*: not supported/;

interface RunDetails {
  /** Whether operations are differences that a refresh found. Default: false. */
  readonly refreshing?: boolean;
  /** Gets the engine's own events. */
  readonly observe?: (event: EngineEvent) => void;
}
