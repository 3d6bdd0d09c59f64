import { UserError } from "../../config/errors.ts";
import type { ShownDiff } from "../events.ts";
import { protectedMessage } from "../protection.ts";
import { assertAllowed } from "../policies.ts";
import { hashAssets } from "./assets.ts";
import { deleteAll, dependentsToReplace } from "./deletion.ts";
import { showDiffs } from "./diff-view.ts";
import type { Goal, Registered } from "./goal.ts";
import { runs, type Handler } from "./providers.ts";
import { ignoreChanges, markLike, markOutputs, operationFor, plain } from "./resources.ts";
import { stackResource, type ResourceState } from "./state.ts";
import { packageOf } from "../../wire/urn.ts";
import { revealAll, UNKNOWN, type Values } from "../../wire/values.ts";
import type { Work } from "./work.ts";

/** Brings each resource to its goal: compares it with the state, then creates, updates or replaces it. */
export class CustomResources {
  readonly #work: Work;
  readonly #record: (resource: ResourceState) => void;
  /** Resources that another one's replacement deleted before their own turn; creating them completes a replacement. */
  readonly #deletedEarly = new Set<string>();

  /** `record` gets each resource after its operation. */
  constructor(work: Work, record: (resource: ResourceState) => void) {
    this.#work = work;
    this.#record = record;
  }

  /** `base` is the goal in the form of the state, `old` the resource in the state. */
  async register(goal: Goal, base: ResourceState, old: ResourceState | undefined): Promise<Registered> {
    const { urn } = base;
    if (this.#work.options.targets?.includes(urn) === false) return this.#leave(urn, old);
    if (!runs(base.type)) return this.#leaveUnchecked(base, old);
    if (goal.unsupported.length > 0) {
      const options = goal.unsupported.join(" nor ");
      throw new UserError(`the in-process engine has no ${options}; use Pulumi's (\`--engine pulumi\`)`);
    }
    const handler = await this.#work.options.providers.handler(base.type, base.provider);
    const raw = ignoreChanges(
      (await hashAssets(base.inputs, this.#work.options.root)) as Values,
      old?.inputs,
      base.ignoreChanges ?? [],
    );
    this.#work.redaction.learn(raw);
    const checked = handler.check(revealAll(raw));
    if (checked.problems.length > 0) {
      const lines = checked.problems.map(({ property, reason }) => `${goal.name}.${property}: ${reason}`);
      throw new UserError(lines.join("\n"));
    }
    const resource = { ...base, inputs: markLike(checked.inputs, raw) };
    if (!this.#work.options.preview) assertAllowed(stackResource(resource));
    if (old === undefined)
      return this.#create(handler, resource, this.#deletedEarly.has(urn) ? "replace" : "create");

    const isAsked = this.#work.options.replace?.includes(urn) === true;
    const diff = handler.diff(revealAll(old.inputs), checked.inputs);
    if (diff.refusal !== undefined && !isAsked) throw new UserError(diff.refusal);
    const diffs = showDiffs(diff, old.inputs, resource.inputs);
    // In a preview the state still has it; an `up` would have deleted it by now.
    if (isAsked || this.#deletedEarly.has(urn))
      return this.#replace(handler, resource, old, diffs, goal.deleteBeforeReplace ?? true);
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

  /** Leaves a resource that is not a target of this run. */
  #leave(urn: string, old: ResourceState | undefined): Registered {
    if (old === undefined)
      throw new UserError("does not exist yet and is not a target of this run; run `ai-how up`");
    this.#work.count("same");
    this.#record(old);
    return { urn, id: old.id ?? "", outputs: old.outputs };
  }

  /** Plans a resource whose provider this engine does not have: only its inputs are known. */
  #leaveUnchecked(base: ResourceState, old: ResourceState | undefined): Registered {
    this.#work.unchecked.set(base.urn, packageOf(base.type));
    this.#work.plan(base.urn, operationFor(old, base), []);
    const outputs = base.inputs;
    this.#record({ ...base, id: UNKNOWN, outputs });
    return { urn: base.urn, id: "", outputs };
  }

  async #create(
    handler: Handler,
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
        // A resource with a predictable id stays pending, and a later run cleans it up.
        if (handler.identify(urn, inputs) === undefined) state.settle(urn);
        await state.save();
        throw error;
      });
      if (replaced !== undefined) state.markReplaced(replaced);
      return this.#settle({
        ...resource,
        id: made.id,
        outputs: markOutputs(handler, resource, made.state),
      });
    });
  }

  async #update(
    handler: Handler,
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
    handler: Handler,
    resource: ResourceState,
    old: ResourceState,
    diffs: readonly ShownDiff[],
    deleteFirst: boolean,
  ): Promise<Registered> {
    if (old.protect === true) throw new UserError(protectedMessage(old, "replaced"));
    if (!deleteFirst) return this.#create(handler, resource, "replace", diffs, old);
    const dependents = await dependentsToReplace(this.#work, old);
    for (const { urn } of dependents) this.#deletedEarly.add(urn);
    if (this.#work.options.preview) return this.#create(handler, resource, "replace", diffs);
    await deleteAll(this.#work, [old, ...dependents], { replacing: true });
    this.#work.stopIfFailed();
    return this.#create(handler, resource, "replace", diffs);
  }

  async #settle(resource: ResourceState): Promise<Registered> {
    this.#record(resource);
    await this.#work.options.state.save();
    return { urn: resource.urn, id: resource.id ?? "", outputs: resource.outputs };
  }
}
