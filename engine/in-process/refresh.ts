import { showDiffs } from "./diff-view.ts";
import { markLike, markOutputs, plain } from "./resources.ts";
import type { ResourceState } from "./state.ts";
import { isProvider } from "../../wire/urn.ts";
import { revealAll } from "../../wire/values.ts";
import type { Work } from "./work.ts";

/** Updates the state from the real resources and reports every difference. */
export async function refreshAll(work: Work): Promise<void> {
  const { state } = work.options;
  await configureProviders(work);
  const custom = state.resources.filter(({ custom, type }) => custom && !isProvider(type));
  await Promise.all(custom.map((resource) => work.limited(() => refreshOne(work, resource))));
  await state.save();
}

/** Configures the state's providers for refresh and destroy, which do not run the program. */
export async function configureProviders(work: Work): Promise<void> {
  const { state, providers } = work.options;
  for (const { type, urn, inputs } of state.resources) {
    if (isProvider(type)) await providers.configure(type, urn, revealAll(inputs));
  }
}

async function refreshOne(work: Work, resource: ResourceState): Promise<void> {
  const { state, providers } = work.options;
  const { urn } = resource;
  if (work.failure !== undefined) return;
  try {
    const handler = await providers.handler(resource.type, resource.provider);
    const found = await handler.read(resource.id ?? "", plain(resource), work.operation(urn));
    if (found === undefined) {
      work.plan(urn, "forget", []);
      state.remove(resource);
      return;
    }
    const diff = handler.diff(revealAll(resource.inputs), found.inputs);
    const inputs = markLike(found.inputs, resource.inputs);
    if (diff.properties.length > 0) work.plan(urn, "refresh", showDiffs(diff, resource.inputs, inputs));
    state.put({ ...resource, inputs, outputs: markOutputs(handler, resource, found.state) });
  } catch (error) {
    work.failed(urn, "refresh", error);
  }
}
