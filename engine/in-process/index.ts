import { join } from "node:path";
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
import type { Operation, Summary } from "../events.ts";
import { passphrase } from "../passphrase.ts";
import type { Described } from "../plan.ts";
import { NOTHING_MADE, problemsOnly } from "../policies.ts";
import { loadProject, loadStackConfig, type Project } from "../project.ts";
import type { Deployment } from "./deployment.ts";
import { describe } from "./description.ts";
import type { Handlers } from "./handlers/index.ts";
import { lockStack } from "./lock.ts";
import { refuse, stackViolations, violationsOf } from "./policies.ts";
import { StackState, type ResourceState } from "./state.ts";
import { hasSecret, reveal } from "./values.ts";

/** The file that holds what the in-process engine knows of a stack. */
export function stateFile({ root, stack }: StackReference): string {
  return join(root, ".ai-how", `${stack}.json`);
}

/** Runs the program without Pulumi's CLI: the SDK's runner on one side, handlers for each resource type on the other. */
export class InProcessEngine implements Engine {
  readonly name = "in-process";
  readonly #reference: StackReference;

  constructor(reference: StackReference) {
    this.#reference = reference;
  }

  async preview(options: RunOptions): Promise<Summary> {
    const { summary, resources } = await this.plan(options);
    refuse(violationsOf(resources), options.emit, NOTHING_MADE);
    return summary;
  }

  async describe(options: RunOptions): Promise<Described> {
    const known = await this.#load();
    const operations = new Map<string, Operation>();
    const { resources } = await this.#plan(known, {
      ...options,
      emit(event) {
        if (event.type === "planned") operations.set(event.urn, event.operation);
        options.emit(event);
      },
    });
    return describe(known.resources, resources, operations, this.#reference.root);
  }

  /** A preview without the policies, with the resources as they would be. */
  async plan(options: RunOptions): Promise<{ summary: Summary; resources: readonly ResourceState[] }> {
    return this.#plan(await this.#load(), options);
  }

  async up(options: RunOptions): Promise<Summary> {
    return this.#locked("up", async () => {
      const state = await this.#load();
      await this.#refuseViolations(state, options);
      await state.openBox();
      const summary = await this.#run(state, options, false);
      refuse(stackViolations(state.resources), options.emit, "mend the program and run `up` again");
      return summary;
    });
  }

  async refresh(options: RunOptions): Promise<Summary> {
    return this.#locked("refresh", async () => {
      const { deployment } = await this.#deployment(await this.#load(), options, false);
      await deployment.refresh();
      return concluded(deployment);
    });
  }

  async down(options: DownOptions): Promise<Summary> {
    return this.#locked("down", async () => {
      const state = await this.#load();
      const { deployment } = await this.#deployment(state, options, false);
      await deployment.destroy(options.excludeProtected);
      const summary = concluded(deployment);
      if (state.empty) await state.discard();
      return summary;
    });
  }

  async outputs(): Promise<Readonly<Record<string, StackOutput>>> {
    const { outputs } = await this.#load();
    return Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [
        key,
        { value: reveal(value), secret: hasSecret(value) },
      ]),
    );
  }

  async resources(): Promise<readonly StackResource[]> {
    return (await this.#load()).resources.map(stackResource);
  }

  async #plan(
    known: StackState,
    options: RunOptions,
  ): Promise<{ summary: Summary; resources: readonly ResourceState[] }> {
    // A preview changes nothing, so it needs no lock and works on a copy.
    const state = known.detached();
    const summary = await this.#run(state, options, true);
    return { summary, resources: state.resources };
  }

  /** A preview, of which only what is wrong is told; throws where that violates a policy. */
  async #refuseViolations(state: StackState, options: RunOptions): Promise<void> {
    const { resources } = await this.#plan(state, { ...options, emit: problemsOnly(options.emit) });
    refuse(violationsOf(resources), options.emit, NOTHING_MADE);
  }

  #load(): Promise<StackState> {
    const { root, stack } = this.#reference;
    return StackState.load(stateFile(this.#reference), stack, () => passphrase(root));
  }

  async #locked<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    const unlock = await lockStack(
      join(this.#reference.root, ".ai-how", `${this.#reference.stack}.lock`),
      operation,
    );
    try {
      return await work();
    } finally {
      await unlock();
    }
  }

  async #deployment(
    state: StackState,
    options: RunOptions,
    preview: boolean,
  ): Promise<{
    deployment: Deployment;
    handlers: Handlers;
    project: Project;
    config: Readonly<Record<string, string>>;
  }> {
    const { root, stack } = this.#reference;
    const [project, config] = await Promise.all([loadProject(root), loadStackConfig(root, stack)]);
    // Loaded by what works on resources only: commands that read the state start in half the time.
    const [{ Deployment }, { Handlers }] = await Promise.all([
      import("./deployment.ts"),
      import("./handlers/index.ts"),
    ]);
    const handlers = new Handlers(root, (key) => config[key]);
    const deployment = new Deployment({ ...options, project: project.name, root, state, handlers, preview });
    return { deployment, handlers, project, config };
  }

  async #run(state: StackState, options: RunOptions, preview: boolean): Promise<Summary> {
    const { root, stack } = this.#reference;
    const { deployment, handlers, project, config } = await this.#deployment(state, options, preview);
    // Pulumi.yaml asks for `refresh: always`: what happened behind our back is seen before anything is planned.
    await deployment.refresh();
    if (deployment.failure !== undefined) throw deployment.failure;
    const [{ Monitor }, { runProgram }] = await Promise.all([import("./monitor.ts"), import("./program.ts")]);
    const monitor = new Monitor({ ...options, deployment, handlers, project: project.name, stack, preview });
    try {
      const code = await runProgram({
        signal: options.signal,
        parallel: options.parallel,
        emit: deployment.emit,
        root,
        main: project.main,
        project: project.name,
        stack,
        config,
        secretKeys: [],
        preview,
        methods: monitor.methods,
      });
      if (code !== 0 || monitor.programFailed) deployment.fail(new UserError("the program failed"));
    } finally {
      await deployment.finish();
    }
    return concluded(deployment);
  }
}

function concluded(deployment: Deployment): Summary {
  if (deployment.failure !== undefined) throw deployment.failure;
  return deployment.summary;
}
