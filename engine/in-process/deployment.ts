import { randomUUID } from "node:crypto";
import { UserError } from "../../config/errors.ts";
import type { ShownDiff, Summary } from "../events.ts";
import { protectedMessage } from "../protection.ts";
import { cleanInterrupted, deleteAll, dependentsToReplace } from "./deletion.ts";
import { showDiffs } from "./diff-view.ts";
import type { ResourceHandler } from "./handler.ts";
import { admit } from "./policies.ts";
import { configureProviders, refreshAll } from "./refresh.ts";
import {
  ignoreChanges,
  isProvider,
  markOutputs,
  plain,
  protectedAndNeeded,
  providedPackage,
  withReplaceOnChanges,
} from "./resources.ts";
import type { ResourceState } from "./state.ts";
import { makeUrn, STACK_TYPE } from "./urn.ts";
import { hashAssets, markLike, revealAll, sameValue, UNKNOWN, type Values } from "./values.ts";
import { Stopped, Work, type WorkOptions } from "./work.ts";

/** A resource as the program wants it to be. */
export interface Goal {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly parent: string;
  readonly inputs: Values;
  readonly provider: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly deletedWith?: string;
  readonly importId?: string;
}

/** What the program gets back for a goal. */
export interface Registered {
  readonly urn: string;
  /** Empty when it is only known after `up`. */
  readonly id: string;
  readonly outputs: Values;
}

/**
 * One run of the program: compares each goal with the state, does what the difference asks for and records it.
 * The SDK sends a goal when everything that it depends on has been answered, so order needs no graph here; deletions do.
 */
export class Deployment {
  readonly #work: Work;
  readonly #registered = new Map<string, ResourceState>();
  /** What a replacement had to delete before its turn came: its creation is the other half of a replacement. */
  readonly #deletedEarly = new Set<string>();
  readonly #running = new Set<Promise<unknown>>();
  /** Puts the program's outputs in the place of those of the run before. */
  #stackOutputs = (): void => undefined;

  constructor(options: WorkOptions) {
    this.#work = new Work(options);
  }

  get summary(): Summary {
    return this.#work.summary;
  }

  /** The first failure; nothing new starts after it. */
  get failure(): Error | undefined {
    return this.#work.failure;
  }

  fail(error: Error): void {
    this.#work.fail(error);
  }

  /** Where the program's own messages go. */
  readonly emit: Work["emit"] = (event) => {
    this.#work.emit(event);
  };

  /** Registers a goal; resolves when the resource is as the program wants it. */
  async register(goal: Goal): Promise<Registered> {
    const work = this.#register(goal);
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  registerOutputs(urn: string, outputs: Values): void {
    const resource = this.#registered.get(urn);
    if (resource === undefined)
      throw new UserError(`${urn}: outputs of a resource that was never registered`);
    // A program that fails says so only after it has registered no outputs for its stack.
    if (resource.type === STACK_TYPE)
      this.#stackOutputs = () => {
        this.#record({ ...resource, outputs });
      };
    else this.#record({ ...resource, outputs });
  }

  /** Waits for what still runs, then deletes what the program no longer wants. Failures have been told by then. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#running);
    const { state, preview, targets } = this.#work.options;
    if (this.failure === undefined && targets === undefined) {
      this.#stackOutputs();
      const unwanted = state.resources.filter(
        ({ urn, pendingDelete }) => pendingDelete === true || !this.#registered.has(urn),
      );
      await deleteAll(this.#work, unwanted);
      await cleanInterrupted(this.#work, (urn) => !this.#registered.has(urn));
      state.reorder([...this.#registered.keys()]);
    } else if (
      this.failure !== undefined &&
      !preview &&
      state.pending.length === 0 &&
      !state.resources.some(({ custom }) => custom)
    ) {
      // Nothing was made: a stack that never was leaves no state.
      await state.discard();
      return;
    }
    await state.save();
  }

  /** Deletes everything in the state, or all but what is protected. */
  async destroy(excludeProtected = false): Promise<void> {
    const { state } = this.#work.options;
    await configureProviders(this.#work);
    await cleanInterrupted(this.#work, () => true);
    const kept = excludeProtected ? protectedAndNeeded(state.resources) : new Set();
    await deleteAll(
      this.#work,
      state.resources.filter((resource) => !kept.has(resource)),
    );
    await state.save();
  }

  /** Makes the state say what is really there. */
  refresh(): Promise<void> {
    return refreshAll(this.#work);
  }

  async #register(goal: Goal): Promise<Registered> {
    this.#work.stopIfFailed();
    const { state, project } = this.#work.options;
    const urn = makeUrn(state.stack, project, goal.parent, goal.type, goal.name);
    if (this.#registered.has(urn)) {
      throw this.#work.failed(
        urn,
        "create",
        new UserError(`${urn}: the program makes two resources of this type and name`),
      );
    }
    const old = this.#findOld(urn, goal);
    const base: ResourceState = {
      urn,
      type: goal.type,
      custom: goal.custom,
      ...(goal.parent !== "" && { parent: goal.parent }),
      ...(goal.provider !== "" && { provider: goal.provider }),
      inputs: goal.inputs,
      outputs: {},
      dependencies: [...goal.dependencies],
      propertyDependencies: Object.fromEntries(
        Object.entries(goal.propertyDependencies).map(([key, urns]) => [key, [...urns]]),
      ),
      ...(goal.additionalSecretOutputs.length > 0 && {
        additionalSecretOutputs: [...goal.additionalSecretOutputs],
      }),
      ...(goal.protect === true && { protect: true }),
      ...(goal.retainOnDelete === true && { retainOnDelete: true }),
      ...(goal.deletedWith !== undefined && { deletedWith: goal.deletedWith }),
    };
    // Reserved before the first wait, so that a second registration of the same name is seen.
    this.#registered.set(urn, old ?? base);
    this.emit({ type: "registered", urn, parent: goal.parent });
    if (!goal.custom) {
      this.#record({ ...base, outputs: old?.outputs ?? {} });
      return { urn, id: "", outputs: {} };
    }
    try {
      return await this.#work.limited(async () => {
        this.#work.stopIfFailed();
        return isProvider(goal.type) ? this.#provider(base, old) : this.#custom(goal, base, old);
      });
    } catch (error) {
      throw error instanceof Stopped
        ? error
        : this.#work.failed(urn, old === undefined ? "create" : "update", error);
    }
  }

  #findOld(urn: string, goal: Goal): ResourceState | undefined {
    const { state } = this.#work.options;
    const old = state.find(urn);
    if (old !== undefined) return old;
    const alias = goal.aliases.map((name) => state.find(name)).find((found) => found !== undefined);
    if (alias === undefined) return undefined;
    const renamed = { ...alias, urn };
    state.remove(alias);
    state.put(renamed);
    return renamed;
  }

  async #provider(base: ResourceState, old: ResourceState | undefined): Promise<Registered> {
    const { handlers, preview } = this.#work.options;
    const name = providedPackage(base.type);
    await handlers.configure(name, base.urn, revealAll(base.inputs));
    const id = old?.id ?? (preview ? "" : randomUUID());
    const operation = old === undefined ? "create" : sameValue(old.inputs, base.inputs) ? "same" : "update";
    this.#work.count(operation);
    const resource = { ...base, id: id === "" ? UNKNOWN : id, outputs: base.inputs };
    this.#record(resource);
    if (operation !== "same") await this.#work.options.state.save();
    return { urn: base.urn, id, outputs: base.inputs };
  }

  async #custom(goal: Goal, base: ResourceState, old: ResourceState | undefined): Promise<Registered> {
    const { urn } = base;
    if (this.#work.options.targets?.includes(urn) === false) return this.#leave(urn, old);
    if (goal.importId !== undefined) {
      throw new UserError(`${urn}: the in-process engine cannot import; use \`pulumi import\``);
    }
    const handler = await this.#work.options.handlers.handler(goal.type, goal.provider);
    const raw = ignoreChanges(
      (await hashAssets(goal.inputs, this.#work.options.root)) as Values,
      old?.inputs,
      goal.ignoreChanges,
    );
    this.#work.redaction.learn(raw);
    const checked = handler.check(revealAll(raw));
    if (checked.problems.length > 0) {
      const lines = checked.problems.map(({ property, reason }) => `${goal.name}.${property}: ${reason}`);
      throw new UserError(lines.join("\n"));
    }
    const resource = { ...base, inputs: markLike(checked.inputs, raw) };
    if (!this.#work.options.preview) admit(resource);
    if (old === undefined)
      return this.#create(handler, resource, this.#deletedEarly.has(urn) ? "replace" : "create");

    const diff = withReplaceOnChanges(
      handler.diff(revealAll(old.inputs), checked.inputs),
      goal.replaceOnChanges,
    );
    const diffs = showDiffs(diff, old.inputs, resource.inputs);
    if (diff.properties.length === 0) {
      const same = {
        ...resource,
        id: old.id,
        outputs: markOutputs(handler, resource, revealAll(old.outputs)),
      };
      this.#work.count("same");
      this.#record(same);
      return { urn, id: old.id ?? "", outputs: same.outputs };
    }
    if (diff.replaces.length === 0) return this.#update(handler, resource, old, diffs);
    const deleteFirst = goal.deleteBeforeReplace ?? diff.deleteBeforeReplace;
    return this.#replace(handler, resource, old, diffs, deleteFirst);
  }

  /** A resource that this run is not about. */
  #leave(urn: string, old: ResourceState | undefined): Registered {
    if (old === undefined)
      throw new UserError("is not there yet, and this run is about other resources; run `ai-how up`");
    this.#work.count("same");
    this.#record(old);
    return { urn, id: old.id ?? "", outputs: old.outputs };
  }

  async #create(
    handler: ResourceHandler,
    resource: ResourceState,
    operation: "create" | "replace",
    diffs: readonly ShownDiff[] = [],
    replaced?: ResourceState,
  ): Promise<Registered> {
    const { state, preview } = this.#work.options;
    const { urn } = resource;
    const inputs = revealAll(resource.inputs);
    if (preview) {
      const outputs = markOutputs(handler, resource, handler.preview(urn, inputs));
      this.#work.plan(urn, operation, diffs);
      this.#record({ ...resource, id: UNKNOWN, outputs });
      return { urn, id: "", outputs };
    }
    state.begin(resource);
    await state.save();
    return this.#work.perform(urn, operation, diffs, async (context) => {
      const made = await handler.create(inputs, context).catch(async (error: unknown) => {
        // What can be found again by its id is cleaned up later; of anything else nothing is known.
        if (handler.identify(urn, inputs) === undefined) state.settle(urn);
        await state.save();
        throw error;
      });
      if (replaced !== undefined) {
        state.remove(replaced);
        state.addPendingDelete(replaced);
      }
      return this.#settle({
        ...resource,
        id: made.id,
        outputs: markOutputs(handler, resource, made.state),
      });
    });
  }

  async #update(
    handler: ResourceHandler,
    resource: ResourceState,
    old: ResourceState,
    diffs: readonly ShownDiff[],
  ): Promise<Registered> {
    const { urn } = resource;
    const id = old.id ?? "";
    const inputs = revealAll(resource.inputs);
    if (this.#work.options.preview) {
      const outputs = markOutputs(handler, resource, handler.preview(urn, inputs, plain(old)));
      this.#work.plan(urn, "update", diffs);
      this.#record({ ...resource, id, outputs });
      return { urn, id, outputs };
    }
    return this.#work.perform(urn, "update", diffs, async (context) => {
      const made = await handler.update(id, plain(old), inputs, context);
      return this.#settle({ ...resource, id: made.id, outputs: markOutputs(handler, resource, made.state) });
    });
  }

  async #replace(
    handler: ResourceHandler,
    resource: ResourceState,
    old: ResourceState,
    diffs: readonly ShownDiff[],
    deleteFirst: boolean,
  ): Promise<Registered> {
    if (old.protect === true) throw new UserError(protectedMessage(old, "replaced"));
    if (!deleteFirst || this.#work.options.preview)
      return this.#create(handler, resource, "replace", diffs, old);
    const dependents = await dependentsToReplace(this.#work, old);
    for (const { urn } of dependents) this.#deletedEarly.add(urn);
    await deleteAll(this.#work, [old, ...dependents], { replacing: true });
    this.#work.stopIfFailed();
    return this.#create(handler, resource, "replace", diffs);
  }

  async #settle(resource: ResourceState): Promise<Registered> {
    this.#record(resource);
    await this.#work.options.state.save();
    return { urn: resource.urn, id: resource.id ?? "", outputs: resource.outputs };
  }

  #record(resource: ResourceState): void {
    this.#registered.set(resource.urn, resource);
    this.#work.redaction.learn(resource.inputs, resource.outputs);
    this.#work.options.state.put(resource);
  }
}
