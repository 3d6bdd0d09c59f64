import { randomUUID } from "node:crypto";
import { UserError } from "../../config/errors.ts";
import { CustomResources } from "./custom-resources.ts";
import { cleanInterrupted, deleteAll } from "./deletion.ts";
import type { Goal, Registered } from "./goal.ts";
import { configureProviders, refreshAll } from "./refresh.ts";
import { runs } from "./providers.ts";
import { operationFor, protectedAndNeeded } from "./resources.ts";
import type { ResourceState } from "./state.ts";
import { isProvider, makeUrn, packageOf, STACK_TYPE } from "../../wire/urn.ts";
import { revealAll, UNKNOWN, type Values } from "../../wire/values.ts";
import { Stopped, Work, type WorkOptions } from "./work.ts";

/**
 * One run of the program: compares each goal with the state, performs the operation and records the result.
 * The SDK registers a resource after its dependencies, so only deletions need a graph.
 */
export class Deployment {
  readonly work: Work;
  readonly #custom: CustomResources;
  readonly #registered = new Map<string, ResourceState>();
  readonly #running = new Set<Promise<unknown>>();
  /** Records the stack's new outputs. */
  #stackOutputs = (): void => undefined;

  constructor(options: WorkOptions) {
    this.work = new Work(options);
    this.#custom = new CustomResources(this.work, (resource) => {
      this.#record(resource);
    });
  }

  /** Registers a goal; resolves when the resource has reached it. */
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
    // A failing program registers empty outputs for its stack before it reports the failure.
    if (resource.type === STACK_TYPE)
      this.#stackOutputs = () => {
        this.#record({ ...resource, outputs });
      };
    else this.#record({ ...resource, outputs });
  }

  /** Waits for running operations, then deletes the resources that the program no longer has. Does not throw: failures are reported. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#running);
    const { state, preview, targets } = this.work.options;
    if (this.work.failure === undefined && targets === undefined) {
      this.#stackOutputs();
      const unwanted = state.resources.filter(
        ({ urn, pendingDelete }) => pendingDelete === true || !this.#registered.has(urn),
      );
      await deleteAll(this.work, unwanted);
      await cleanInterrupted(this.work, (urn) => !this.#registered.has(urn));
      state.reorder([...this.#registered.keys()]);
    } else if (
      this.work.failure !== undefined &&
      !preview &&
      state.pending.length === 0 &&
      !state.resources.some(({ custom }) => custom)
    ) {
      // No resource was made, so the stack has no state.
      await state.discard();
      return;
    }
    await state.save();
  }

  /** Deletes all resources, or all that neither are protected nor needed by a protected one. */
  async destroy(excludeProtected = false): Promise<void> {
    const { state } = this.work.options;
    await configureProviders(this.work);
    await cleanInterrupted(this.work, () => true);
    const kept = excludeProtected ? protectedAndNeeded(state.resources) : new Set();
    await deleteAll(
      this.work,
      state.resources.filter((resource) => !kept.has(resource)),
    );
    await state.save();
  }

  /** Makes the state say what is really there. */
  refresh(): Promise<void> {
    return refreshAll(this.work);
  }

  async #register(goal: Goal): Promise<Registered> {
    this.work.stopIfFailed();
    const { state, project } = this.work.options;
    const { type, custom, parent = "" } = goal.resource;
    const urn = makeUrn(state.stack, project, parent, type, goal.name);
    this.work.redaction.allow(goal.name);
    if (this.#registered.has(urn)) {
      throw this.work.failed(
        urn,
        "create",
        new UserError(`${urn}: the program has two resources with this type and name`),
      );
    }
    const old = this.#findOld(urn, goal);
    const base: ResourceState = { ...goal.resource, urn };
    // Set before the first await, so that a second registration of the same name fails.
    this.#registered.set(urn, old ?? base);
    this.work.emit({ type: "registered", urn, parent });
    if (!custom && !goal.remote) {
      this.#record({ ...base, outputs: old?.outputs ?? {} });
      return { urn, id: "", outputs: {} };
    }
    try {
      return await this.work.limited(async () => {
        this.work.stopIfFailed();
        return isProvider(type) ? this.#provider(base, old) : this.#custom.register(goal, base, old);
      });
    } catch (error) {
      throw error instanceof Stopped
        ? error
        : this.work.failed(urn, old === undefined ? "create" : "update", error);
    }
  }

  #findOld(urn: string, goal: Goal): ResourceState | undefined {
    const { state } = this.work.options;
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
    const { providers, preview } = this.work.options;
    if (!runs(base.type)) this.work.unchecked.set(base.urn, packageOf(base.type));
    await providers.configure(base.type, base.urn, revealAll(base.inputs));
    const id = old?.id ?? (preview ? "" : randomUUID());
    const operation = operationFor(old, base);
    this.work.count(operation);
    const resource = { ...base, id: id === "" ? UNKNOWN : id, outputs: base.inputs };
    this.#record(resource);
    if (operation !== "same") await this.work.options.state.save();
    return { urn: base.urn, id, outputs: base.inputs };
  }

  #record(resource: ResourceState): void {
    this.#registered.set(resource.urn, resource);
    this.work.redaction.learn(resource.inputs, resource.outputs);
    this.work.options.state.put(resource);
  }
}
