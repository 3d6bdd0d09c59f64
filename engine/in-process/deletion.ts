import { UserError } from "../../config/errors.ts";
import type { Operation } from "../../providers/framework/provider.ts";
import { isProvider } from "../../wire/urn.ts";
import { revealAll, UNKNOWN } from "../../wire/values.ts";
import { protectedMessage } from "../protection.ts";
import { needs, plain } from "./resources.ts";
import type { ResourceState } from "./state.ts";
import { Stopped, type Work } from "./work.ts";

/**
 * Deletes resources in parallel, each after its dependents. A resource with `deletedWith` is only removed from the state.
 * After a failure nothing new begins. With `replacing`, the deletions are half of replacements and do not count.
 */
export async function deleteAll(
  work: Work,
  resources: readonly ResourceState[],
  { replacing = false } = {},
): Promise<void> {
  const leaving = new Set(resources.map(({ urn }) => urn));
  const protectedOne = resources.find((resource) => resource.protect === true);
  if (protectedOne !== undefined) {
    work.failed(protectedOne.urn, "delete", new UserError(protectedMessage(protectedOne, "deleted")));
    return;
  }
  const ended = new Map<ResourceState, Promise<void>>();
  // A resource depends only on earlier ones, so the reverse order reaches dependents first.
  for (const resource of [...resources].reverse()) {
    const dependents = [...ended].filter(([other]) => needs(other, resource)).map(([, end]) => end);
    const end = Promise.all(dependents).then(() =>
      work.limited(() => deleteOne(work, resource, leaving, replacing)),
    );
    ended.set(resource, end);
  }
  await Promise.all(ended.values());
}

async function deleteOne(
  work: Work,
  resource: ResourceState,
  leaving: ReadonlySet<string>,
  replacing: boolean,
): Promise<void> {
  const { state, providers, preview } = work.options;
  const { urn } = resource;
  if (work.failure !== undefined) return;
  if (!resource.custom || isProvider(resource.type)) {
    state.remove(resource);
    return;
  }
  if (preview) {
    work.plan(urn, "delete", []);
    state.remove(resource);
    return;
  }
  const withOther = resource.deletedWith !== undefined && leaving.has(resource.deletedWith);
  try {
    const remove = async (context: Operation): Promise<void> => {
      if (!withOther) {
        const handler = await providers.handler(resource.type, resource.provider);
        await handler.delete(resource.id ?? "", plain(resource), context);
      }
      state.remove(resource);
      await state.save();
    };
    await work.perform(urn, "delete", [], remove, !replacing && resource.pendingDelete !== true);
  } catch (error) {
    if (!(error instanceof Stopped)) work.failed(urn, "delete", error);
  }
}

/**
 * The resources that must be deleted before `old`: those that a change of their inputs from `old` would replace. In the
 * order of the state.
 */
export async function dependentsToReplace(work: Work, old: ResourceState): Promise<ResourceState[]> {
  const deleted = new Set([old.urn]);
  const found: ResourceState[] = [];
  for (const resource of work.options.state.resources) {
    if (!resource.custom || isProvider(resource.type) || resource.pendingDelete === true) continue;
    const affected = Object.entries(resource.propertyDependencies)
      .filter(([key, urns]) => urns.some((urn) => deleted.has(urn)) && !ignored(resource, key))
      .map(([key]) => key);
    if (affected.length === 0) continue;
    const handler = await work.options.providers.handler(resource.type, resource.provider);
    const inputs = revealAll(resource.inputs);
    const unknown = Object.fromEntries(affected.map((key) => [key, UNKNOWN]));
    if (handler.diff(inputs, { ...inputs, ...unknown }).replaces.length === 0) continue;
    deleted.add(resource.urn);
    found.push(resource);
  }
  return found;
}

/** Whether the program ignores changes of this input. */
function ignored({ ignoreChanges = [] }: ResourceState, key: string): boolean {
  return ignoreChanges.includes(key) || ignoreChanges.includes("*");
}

/** Deletes unwanted resources whose creation a killed engine left unfinished. */
export async function cleanInterrupted(work: Work, unwanted: (urn: string) => boolean): Promise<void> {
  const { state, providers, preview } = work.options;
  if (preview || work.failure !== undefined) return;
  for (const resource of state.pending.filter(({ urn }) => unwanted(urn)).reverse()) {
    try {
      const handler = await providers.handler(resource.type, resource.provider);
      const id = handler.identify(resource.urn, revealAll(resource.inputs));
      if (id !== undefined) {
        await work.perform(resource.urn, "delete", [], (context) =>
          handler.delete(id, plain(resource), context),
        );
      }
      state.settle(resource.urn);
    } catch (error) {
      work.failed(resource.urn, "delete", error);
    }
  }
}
