import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import type {
  DownOptions,
  Engine,
  ResourcePlan,
  RunOptions,
  StackPlan,
  StackReference,
  StackResource,
} from "../engine.ts";
import type { Operation, Summary } from "../events.ts";
import { passphrase } from "../passphrase.ts";
import {
  FIX_PROGRAM,
  NOTHING_CHANGED,
  problemsOnly,
  refuse,
  resourceViolations,
  stackViolations,
} from "../policies.ts";
import { inProcessState, loadProject, loadStackConfig } from "../project.ts";
import { lockStack } from "./lock.ts";
import { stackResource, StackState, type ResourceState } from "./state.ts";
import type { Work } from "./work.ts";

/** Runs the program without Pulumi's CLI: with the SDK's runner and our providers, loaded as modules. */
export class InProcessEngine implements Engine {
  readonly name = "in-process";
  readonly #reference: StackReference;

  constructor(reference: StackReference) {
    this.#reference = reference;
  }

  async plan(options: RunOptions): Promise<StackPlan> {
    return (await this.#plan(await this.#load(), options)).plan;
  }

  async up(options: RunOptions): Promise<Summary> {
    return this.#locked("up", async () => {
      const state = await this.#load();
      const { plan, unchecked } = await this.#plan(state, { ...options, emit: problemsOnly(options.emit) });
      this.#refuseUnchecked(unchecked);
      refuse(plan.violations, options.emit, NOTHING_CHANGED);
      await state.openBox();
      const { summary } = await this.#run(state, options, false);
      refuse(stackViolations(state.resources.map(stackResource)), options.emit, FIX_PROGRAM);
      return summary;
    });
  }

  async refresh(options: RunOptions): Promise<Summary> {
    return this.#locked("refresh", async () => {
      const { deployment } = await this.#deployment(await this.#load(), options, false);
      await deployment.refresh();
      return throwFailure(deployment.work).summary;
    });
  }

  async down(options: DownOptions): Promise<Summary> {
    return this.#locked("down", async () => {
      const state = await this.#load();
      const { deployment } = await this.#deployment(state, options, false);
      await deployment.destroy(options.excludeProtected);
      const { summary } = throwFailure(deployment.work);
      if (state.empty) await state.discard();
      return summary;
    });
  }

  async resources(): Promise<readonly StackResource[]> {
    return (await this.#load()).resources.map(stackResource);
  }

  async #plan(
    known: StackState,
    { emit, ...options }: RunOptions,
  ): Promise<{ plan: StackPlan; unchecked: ReadonlyMap<string, string> }> {
    const operations = new Map<string, Operation>();
    const listen: RunOptions["emit"] = (event) => {
      if (event.type === "planned") operations.set(event.urn, event.operation);
      emit(event);
    };
    // A preview changes nothing, so it needs no lock and works on a copy.
    const state = known.detached();
    const { summary, unchecked } = await this.#run(state, { ...options, emit: listen }, true);
    const was = new Set(known.resources.map(({ urn }) => urn));
    const stays = new Set(state.resources.map(({ urn }) => urn));
    const planned = (resource: ResourceState, operation: Operation): ResourcePlan => ({
      ...stackResource(resource),
      operation,
      checked: !unchecked.has(resource.urn),
    });
    const after = state.resources.map((each) =>
      planned(each, operations.get(each.urn) ?? (was.has(each.urn) ? "same" : "create")),
    );
    const gone = known.resources.filter(({ urn }) => !stays.has(urn)).map((each) => planned(each, "delete"));
    const violations = [...resourceViolations(after), ...stackViolations(after)];
    return { plan: { resources: [...after, ...gone], summary, violations }, unchecked };
  }

  #refuseUnchecked(unchecked: ReadonlyMap<string, string>): void {
    if (unchecked.size === 0) return;
    const packages = [...new Set(unchecked.values())].sort().join(", ");
    const { stack } = this.#reference;
    throw new UserError(
      `${stack} needs Pulumi's engine, as the in-process one does not support these packages: ${packages}; install it with \`tools/pulumi.sh\` or \`npx pulumi version\`, then run \`ai-how up ${stack} --engine pulumi\`; ${NOTHING_CHANGED}`,
    );
  }

  #load(): Promise<StackState> {
    const { root, stack } = this.#reference;
    return StackState.load(inProcessState(this.#reference), stack, () => passphrase(root));
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

  async #deployment(state: StackState, options: RunOptions, preview: boolean) {
    const { root, stack } = this.#reference;
    const [project, config] = await Promise.all([loadProject(root), loadStackConfig(root, stack)]);
    // Loaded late: commands that only read the state then start in half the time.
    const [{ Deployment }, { Providers }] = await Promise.all([
      import("./deployment.ts"),
      import("./providers.ts"),
    ]);
    const providers = new Providers(root, (key) => config[key]);
    const deployment = new Deployment({ ...options, project: project.name, root, state, providers, preview });
    return { deployment, providers, project, config };
  }

  async #run(state: StackState, options: RunOptions, preview: boolean): Promise<Work> {
    const { root, stack } = this.#reference;
    const { deployment, providers, project, config } = await this.#deployment(state, options, preview);
    // As Pulumi.yaml's `refresh: always` demands, the plan starts from the real resources.
    await deployment.refresh();
    throwFailure(deployment.work);
    const [{ Monitor }, { runProgram }] = await Promise.all([import("./monitor.ts"), import("./program.ts")]);
    const end = new AbortController();
    const monitor = new Monitor({
      ...{ deployment, providers, project: project.name, stack, preview, parallel: options.parallel },
      endProgram: () => {
        end.abort();
      },
    });
    try {
      const code = await runProgram({
        ...{ root, stack, config, preview, main: project.main, project: project.name },
        ...{ parallel: options.parallel, emit: deployment.work.emit },
        signal: AbortSignal.any([options.signal, end.signal]),
        address: await monitor.listen(),
      });
      if (code !== 0 || monitor.programFailed) deployment.work.fail(new UserError("the program failed"));
    } finally {
      await deployment.finish();
      await monitor.close();
    }
    return throwFailure(deployment.work);
  }
}

function throwFailure(work: Work): Work {
  if (work.failure !== undefined) throw work.failure;
  return work;
}
