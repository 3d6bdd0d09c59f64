import { UserError } from "../../config/errors.ts";
import { Provider, type Operation } from "../../providers/framework/provider.ts";
import type { ProviderDefinition } from "../../providers/framework/resource.ts";
import { packageOf, providerUrn } from "../../wire/urn.ts";
import type { Values } from "../../wire/values.ts";

// Each is loaded for the first resource of its package.
const PACKAGES: Readonly<Record<string, (root: string) => Promise<ProviderDefinition<object>>>> = {
  command: async (root) => (await import("./command.ts")).command(root),
  host: async () => (await import("../../providers/host/provider.ts")).host,
  libvirt: async () => (await import("../../providers/libvirt/provider.ts")).libvirt,
};

/** Whether the in-process engine has the provider of this type. */
export function runs(type: string): boolean {
  return packageOf(type) in PACKAGES;
}

/** The providers of the in-process engine, with the stack's configuration. */
export class Providers {
  readonly #root: string;
  readonly #config: (key: string) => string | undefined;
  readonly #providers = new Map<string, Promise<Provider>>();

  /** `root` is the project's folder; `config` reads a key of the stack's configuration, for example `libvirt:uri`. */
  constructor(root: string, config: (key: string) => string | undefined) {
    this.#root = root;
    this.#config = config;
  }

  /** Configures a provider that is a resource of the stack. */
  async configure(type: string, urn: string, inputs: Values): Promise<void> {
    if (!runs(type)) return;
    const provider = await this.#load(packageOf(type));
    provider.configure(inputs);
    this.#providers.set(urn, Promise.resolve(provider));
  }

  /** The provider that a resource or an invoke names with `urn::id`, otherwise the default provider of the package. */
  async provider(type: string, reference: string | undefined): Promise<Provider> {
    const urn = providerUrn(reference);
    const name = packageOf(type);
    const known = this.#providers.get(urn ?? name);
    if (known !== undefined) return known;
    if (urn !== undefined) throw new UserError(`${urn}: this provider has not been configured`);
    const provider = this.#load(name).then((made) => {
      const values = made.configKeys.map((key) => [key, this.#config(`${name}:${key}`)] as const);
      made.configure(Object.fromEntries(values.filter(([, value]) => value !== undefined)));
      return made;
    });
    this.#providers.set(name, provider);
    return provider;
  }

  async handler(type: string, reference: string | undefined): Promise<Handler> {
    return handlerOf(await this.provider(type, reference), type);
  }

  async #load(name: string): Promise<Provider> {
    const definition = await PACKAGES[name]?.(this.#root);
    if (definition === undefined) {
      throw new UserError(`the in-process engine does not run resources of the package ${name}`);
    }
    return new Provider(definition);
  }
}

/** The values of a resource after its last operation, with plain secrets. */
export interface Last {
  readonly inputs: Values;
  readonly state: Values;
}
type Made = Last & { readonly id: string };

/** The operations of one resource type, on plain values without marks of secrets. */
export type Handler = ReturnType<typeof handlerOf>;

function handlerOf(provider: Provider, type: string) {
  const { secrets = [], secretsSpread = false } = provider.type(type);
  return {
    /** Outputs that are always secret. */
    secrets,
    secretsSpread,
    check(inputs: Values) {
      const checked = provider.check(type, inputs);
      return { ...checked, inputs: checked.inputs as Values };
    },
    diff: (was: Values, is: Values) => provider.diff(type, was, is),
    /** Outputs that a preview knows. */
    preview: (urn: string, inputs: Values, last?: Last) =>
      provider.preview(type, urn, inputs, last?.state) as Values,
    identify: (urn: string, inputs: Values) => provider.identify(type, urn, inputs),
    create: (inputs: Values, operation: Operation) =>
      provider.create(type, inputs, operation) as Promise<Made>,
    read: (id: string, last: Last | undefined, operation: Operation) =>
      provider.read(type, id, last, operation) as Promise<Made | undefined>,
    update: (id: string, last: Last, inputs: Values, operation: Operation) =>
      provider.update(type, id, last, inputs, operation) as Promise<Made>,
    delete: (id: string, last: Last, operation: Operation) => provider.delete(type, id, last, operation),
  };
}
