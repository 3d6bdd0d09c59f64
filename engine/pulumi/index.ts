import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import {
  CommandError,
  LocalWorkspace,
  PulumiCommand,
  StackNotFoundError,
  type EngineEvent,
  type LocalProgramArgs,
  type LocalWorkspaceOptions,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { UserError } from "../../config/errors.ts";
import {
  stackResource,
  type DownOptions,
  type Engine,
  type RunOptions,
  type StackOutput,
  type StackReference,
  type StackResource,
} from "../engine.ts";
import type { Summary } from "../events.ts";
import { passphrase, WRONG_PASSPHRASE } from "../passphrase.ts";
import type { Described } from "../plan.ts";
import { NOTHING_MADE, POLICY_PACK, problemsOnly, refusal } from "../policies.ts";
import { protectedMessage } from "../protection.ts";
import { Description } from "./description.ts";
import { summaryOf, translate } from "./events.ts";
import { outputsOf, resourcesOf, type KeptResource } from "./state.ts";

/** Runs the program by Pulumi's own CLI, driven through the Automation API. */
export class PulumiEngine implements Engine {
  readonly name = "pulumi";
  readonly #reference: StackReference;
  readonly #cli: string;
  #stack: Promise<Stack> | undefined;
  #workspace: Promise<Workspace> | undefined;

  /** `cli` is the path of the `pulumi` executable. */
  constructor(reference: StackReference, cli: string) {
    this.#reference = reference;
    this.#cli = cli;
  }

  async preview(options: RunOptions): Promise<Summary> {
    return this.#run(
      options,
      async (stack, common) => (await stack.preview({ ...common, policyPacks: [POLICY_PACK] })).changeSummary,
    );
  }

  async describe(options: RunOptions): Promise<Described> {
    const description = new Description(this.#reference.root);
    const violations: Described["violations"] = [];
    try {
      await this.#run(
        {
          ...options,
          emit(event) {
            if (event.type === "violation") {
              const { rule, urn, message } = event;
              violations.push({ rule, urn, message });
            }
            options.emit(event);
          },
        },
        async (stack, common) =>
          (await stack.preview({ ...common, policyPacks: [POLICY_PACK] })).changeSummary,
        { observe: description.observe },
      );
    } catch (error) {
      if (violations.length === 0) throw error;
    }
    return description.described(violations);
  }

  async up(options: RunOptions): Promise<Summary> {
    // Pulumi looks at each resource just before it is made, when others are made already, and at the stack afterwards.
    const { same: _same, ...changes } = await this.preview({ ...options, emit: problemsOnly(options.emit) });
    // A preview without changes knew all values: there is nothing to ask the policies again.
    const policyPacks = Object.keys(changes).length > 0 ? [POLICY_PACK] : [];
    return this.#run(
      options,
      async (stack, common) => (await stack.up({ ...common, policyPacks })).summary.resourceChanges,
      { consequence: "mend the program and run `up` again" },
    );
  }

  async refresh(options: RunOptions): Promise<Summary> {
    if ((await this.#existing()) === undefined) return {};
    return this.#run(
      options,
      async (stack, common) => (await stack.refresh(common)).summary.resourceChanges,
      { refreshing: true },
    );
  }

  async down(options: DownOptions): Promise<Summary> {
    const { excludeProtected = false } = options;
    if ((await this.#existing()) === undefined) return {};
    // Pulumi would delete what is in its way before it comes to what is protected.
    const guarded = excludeProtected ? undefined : (await this.#kept()).find(({ protect }) => protect);
    if (guarded !== undefined) throw new UserError(protectedMessage(guarded, "deleted"));
    return this.#run(
      options,
      async (stack, common) => (await stack.destroy({ ...common, excludeProtected })).summary.resourceChanges,
    );
  }

  async outputs(): Promise<Readonly<Record<string, StackOutput>>> {
    return outputsOf(await this.#kept());
  }

  async resources(): Promise<readonly StackResource[]> {
    return (await this.#kept()).map(stackResource);
  }

  /** The resources of the state, none where the stack was never made. It is one command: a Stack would be selected first. */
  async #kept(): Promise<readonly KeptResource[]> {
    const { place, options } = await this.#found();
    const workspace = await LocalWorkspace.create({ ...options, workDir: place.workDir });
    try {
      return resourcesOf(await workspace.exportStack(place.stackName));
    } catch (error) {
      if (error instanceof StackNotFoundError) return [];
      return this.#refuse(error);
    }
  }

  async #run(
    options: RunOptions,
    work: (stack: Stack, common: CommonOptions) => Promise<Partial<Record<string, number>> | undefined>,
    { refreshing = false, consequence = NOTHING_MADE, observe }: RunDetails = {},
  ): Promise<Summary> {
    const stack = await this.#made();
    const told = { failure: false, violations: 0 };
    const common: CommonOptions = {
      parallel: options.parallel,
      signal: options.signal,
      ...(options.targets !== undefined && { target: [...options.targets] }),
      ...(options.replace !== undefined && { replace: [...options.replace] }),
      suppressProgress: true,
      onEvent: (event) => {
        observe?.(event);
        for (const translated of translate(event, refreshing)) {
          if (translated.type === "violation") told.violations += 1;
          if (translated.type === "failed" || (translated.type === "log" && translated.level === "error")) {
            // "preview failed", and nothing more than that.
            if (told.violations > 0 && translated.type === "log" && translated.line.endsWith(" failed"))
              continue;
            told.failure = true;
          }
          options.emit(translated);
        }
      },
    };
    try {
      return summaryOf((await work(stack, common)) ?? {}, refreshing);
    } catch (error) {
      if (told.violations > 0) throw new UserError(refusal(told.violations, consequence), { cause: error });
      // The events have told what went wrong; the CLI's whole output adds nothing to that.
      if (told.failure) throw new UserError("the run failed", { cause: error });
      return this.#refuse(error);
    }
  }

  /** The stack; undefined where it was never made. Asking does not make it, and writes nothing into its file. */
  async #existing(): Promise<Stack | undefined> {
    if (this.#stack !== undefined) return this.#stack;
    const { place, options } = await this.#found();
    try {
      const stack = await LocalWorkspace.selectStack(place, options);
      this.#stack = Promise.resolve(stack);
      return stack;
    } catch (error) {
      if (error instanceof StackNotFoundError) return undefined;
      return this.#refuse(error);
    }
  }

  /** The stack, made where it was not. */
  #made(): Promise<Stack> {
    this.#stack ??= this.#found().then(({ place, options }) =>
      LocalWorkspace.createOrSelectStack(place, options).catch(this.#refuse),
    );
    return this.#stack;
  }

  /** Throws what the CLI says for itself in one line; anything else as it is. */
  readonly #refuse = (error: unknown): never => {
    const said = error instanceof CommandError ? /^error: (.+)$/m.exec(error.message)?.[1] : undefined;
    if (said === undefined) throw error;
    const { stack } = this.#reference;
    throw new UserError(`${stack}: ${said.includes("incorrect passphrase") ? WRONG_PASSPHRASE : said}`, {
      cause: error,
    });
  };

  /** Found once: the CLI is asked for its version. */
  #found(): Promise<Workspace> {
    this.#workspace ??= this.#find();
    return this.#workspace;
  }

  async #find(): Promise<Workspace> {
    const { root, stack } = this.#reference;
    // An installation is a folder with `bin/pulumi`; anything else is found by its folder on PATH.
    const folder = dirname(this.#cli);
    const pulumiCommand = await PulumiCommand.get(
      basename(folder) === "bin" ? { root: dirname(folder) } : {},
    );
    return {
      place: { stackName: stack, workDir: root },
      options: { pulumiCommand, envVars: await environment(root, folder) },
    };
  }
}

/** Where the program is, and how the CLI is run on it. */
interface Workspace {
  readonly place: LocalProgramArgs;
  readonly options: LocalWorkspaceOptions;
}

interface RunDetails {
  /** Whether operations are what was found, and not what is done. Default false. */
  readonly refreshing?: boolean;
  /** What follows from a violation. Default: that nothing was changed. */
  readonly consequence?: string;
  /** Sees the engine's own events. */
  readonly observe?: (event: EngineEvent) => void;
}

type CommonOptions = NonNullable<Parameters<Stack["up"]>[0]> &
  NonNullable<Parameters<Stack["destroy"]>[0]> &
  NonNullable<Parameters<Stack["refresh"]>[0]> &
  NonNullable<Parameters<Stack["preview"]>[0]>;

async function environment(root: string, cliFolder: string): Promise<Record<string, string>> {
  const loggedIn = existsSync(
    join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json"),
  );
  const state = join(root, ".ai-how", "pulumi");
  const ownBackend = process.env.PULUMI_BACKEND_URL === undefined && !loggedIn;
  if (ownBackend) await mkdir(state, { recursive: true, mode: 0o700 });
  return {
    PULUMI_SKIP_UPDATE_CHECK: "1",
    // A missing plugin is one clear error, not five download retries.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_CONFIG_PASSPHRASE: await passphrase(root),
    ...(ownBackend && { PULUMI_BACKEND_URL: `file://${state}` }),
    // The language host takes the first `node` that it finds: it has to be the one that runs TypeScript as it is.
    PATH: [dirname(process.execPath), cliFolder, process.env.PATH ?? ""].join(delimiter),
  };
}
