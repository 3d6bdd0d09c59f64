import type { Provider } from "../../../providers/framework/provider.ts";
import type { ResourceHandler } from "../handler.ts";
import type { Values } from "../values.ts";

/** Drives a provider of ours directly: the same code that its plugin serves over gRPC. */
export function providerHandler(provider: Provider, type: string): ResourceHandler {
  const plain = (existing: {
    id: string;
    inputs: Record<string, unknown>;
    state: Record<string, unknown>;
  }) => ({
    id: existing.id,
    inputs: existing.inputs as Values,
    state: existing.state as Values,
  });
  return {
    secretOutputs: provider.type(type).secrets ?? [],
    outputsInheritSecrets: false,
    check: (inputs) => {
      const checked = provider.check(type, inputs);
      return { inputs: checked.inputs as Values, problems: checked.problems };
    },
    diff: (was, is) => provider.diff(type, was, is),
    preview: (urn, inputs, last) => provider.preview(type, urn, inputs, last?.state) as Values,
    identify: (urn, inputs) => provider.identify(type, urn, inputs),
    create: async (inputs, operation) => plain(await provider.create(type, inputs, operation)),
    read: async (id, last, operation) => {
      const existing = await provider.read(type, id, last, operation);
      return existing === undefined ? undefined : plain(existing);
    },
    update: async (id, last, inputs, operation) =>
      plain(await provider.update(type, id, last, inputs, operation)),
    delete: (id, last, operation) => provider.delete(type, id, last, operation),
  };
}
