import { UserError } from "../../../config/errors.ts";
import { Provider } from "../../../providers/framework/provider.ts";
import type { ProviderDefinition } from "../../../providers/framework/resource.ts";
import type { ResourceHandler } from "../handler.ts";
import type { Values } from "../values.ts";
import { commandHandler } from "./command.ts";
import { providerHandler } from "./provider.ts";

// Each is loaded when the first resource of its package comes by.
const ours: Readonly<Record<string, (root: string) => Promise<ProviderDefinition<object>>>> = {
  host: async () => (await import("../../../providers/host/provider.ts")).host,
  libvirt: async () => (await import("../../../providers/libvirt/provider.ts")).libvirt,
};

/** Knows which handler does the work for a resource, and keeps the configured providers. */
export class Handlers {
  readonly #root: string;
  readonly #config: (key: string) => string | undefined;
  readonly #providers = new Map<string, Promise<Provider>>();

  /** `root` is the project's folder; `config` reads the stack's configuration, `libvirt:uri`. */
  constructor(root: string, config: (key: string) => string | undefined) {
    this.#root = root;
    this.#config = config;
  }

  /** Takes the configuration of a provider resource; returns the checked inputs. */
  async configure(name: string, urn: string, inputs: Values): Promise<void> {
    if (ours[name] === undefined) return;
    const provider = await newProvider(name, this.#root);
    provider.configure(inputs);
    this.#providers.set(urn, Promise.resolve(provider));
  }

  /** The provider of ours with this name: the one that the resource names, or the default one. */
  async provider(name: string, reference: string | undefined): Promise<Provider> {
    const urn =
      reference === undefined || reference === "" ? "" : reference.slice(0, reference.lastIndexOf("::"));
    const known = this.#providers.get(urn === "" ? name : urn);
    if (known !== undefined) return known;
    if (urn !== "") throw new UserError(`${urn}: this provider has not been configured`);
    const provider = newProvider(name, this.#root).then((made) => {
      made.configure(this.#defaults(made));
      return made;
    });
    this.#providers.set(name, provider);
    return provider;
  }

  async handler(type: string, reference: string | undefined): Promise<ResourceHandler> {
    const name = packageOf(type);
    if (ours[name] !== undefined) return providerHandler(await this.provider(name, reference), type);
    if (type === "command:local:Command") return commandHandler(this.#root);
    throw new UserError(
      `${type}: the in-process engine has no handler for this resource type; use Pulumi's own CLI (\`--engine pulumi\`)`,
    );
  }

  #defaults(provider: Provider): Values {
    return Object.fromEntries(
      provider.configKeys.flatMap((key) => {
        const value = this.#config(`${provider.name}:${key}`);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  }
}

async function newProvider(name: string, root: string): Promise<Provider> {
  const definition = await ours[name]?.(root);
  if (definition === undefined) throw new UserError(`there is no provider ${name} in this project`);
  return new Provider(definition);
}

/** `libvirt` of `libvirt:index:Domain`. */
export function packageOf(type: string): string {
  return type.split(":")[0] ?? type;
}
