import { checkInputs } from "./check.ts";
import { diffInputs, type ResourceDiff, valueDiff } from "./diff.ts";
import type { AnyResourceType, Context, Existing, Problem, ProviderDefinition } from "./resource.ts";
import { ProviderError } from "./resource.ts";
import { hasUnknown, UNKNOWN } from "../../wire/values.ts";

type Values = Record<string, unknown>;

/** What an operation may use besides inputs and configuration. */
export type Operation = Omit<Context<unknown>, "config">;

/** A configured provider: what the gRPC server and the in-process engine call, with inputs as plain values. */
export class Provider<Config extends object = object> {
  readonly #definition: ProviderDefinition<Config>;
  readonly #types: ReadonlyMap<string, AnyResourceType<Config>>;
  #config: Config | undefined;

  constructor(definition: ProviderDefinition<Config>) {
    this.#definition = definition;
    this.#types = new Map(definition.resources.map((type) => [type.token, type]));
  }

  get name(): string {
    return this.#definition.name;
  }

  get version(): string {
    return this.#definition.version;
  }

  /** The names of the provider's configuration values. */
  get configKeys(): string[] {
    return Object.keys(this.#definition.config);
  }

  /** Checks the provider's configuration and returns all problems. */
  checkConfig(raw: Values): { inputs: Values; problems: Problem[] } {
    const { version: _version, ...known } = raw;
    return checkInputs(this.#definition.config, known);
  }

  /** Sets the configuration. With unknown values in it, only new resources can be previewed. */
  configure(raw: Values): void {
    const { inputs, problems } = this.checkConfig(raw);
    if (problems.length > 0) {
      throw new ProviderError(problems.map((problem) => `${problem.property}: ${problem.reason}`).join("; "));
    }
    this.#config = hasUnknown(inputs) ? undefined : (inputs as Config);
  }

  /** Compares two configurations. A change never replaces the provider: its resources are looked up at the new address. */
  diffConfig(was: Values, is: Values): ResourceDiff {
    const properties = Object.keys(this.#definition.config).flatMap((key) =>
      valueDiff(key, was[key], is[key]).map((difference) => ({ ...difference, change: "update" as const })),
    );
    return { properties, replaces: [], deleteBeforeReplace: false };
  }

  /** True if every value of the configuration is known. */
  get configured(): boolean {
    return this.#config !== undefined;
  }

  type(token: string): AnyResourceType<Config> {
    const type = this.#types.get(token);
    if (type === undefined) {
      throw new ProviderError(
        `${token} is not a resource of ${this.name}; there are ${[...this.#types.keys()].join(", ")}`,
      );
    }
    return type;
  }

  check(token: string, raw: Values): { inputs: Values; problems: Problem[] } {
    const type = this.type(token);
    const checked = checkInputs(type.inputs, raw);
    if (checked.problems.length === 0 && !hasUnknown(checked.inputs)) {
      checked.problems.push(...(type.check?.(checked.inputs) ?? []));
    }
    return checked;
  }

  diff(token: string, was: Values, is: Values): ResourceDiff {
    return diffInputs(this.type(token), was, is);
  }

  /** The outputs that a preview knows: the inputs, what `foresee` computes, and what an update keeps. */
  preview(token: string, urn: string, inputs: Values, last?: Values): Values {
    const type = this.type(token);
    const foreseen =
      this.#config !== undefined && !hasUnknown(inputs)
        ? type.foresee?.(inputs, { urn, config: this.#config }, last)
        : undefined;
    const kept = Object.entries(last ?? {}).filter(([key]) => type.volatile?.includes(key) !== true);
    return { ...Object.fromEntries(kept), ...inputs, ...foreseen };
  }

  /** The id that `create` would return; undefined if a preview cannot know it. */
  identify(token: string, urn: string, inputs: Values): string | undefined {
    if (this.#config === undefined || hasUnknown(inputs)) return undefined;
    return this.type(token).identify(inputs, { urn, config: this.#config });
  }

  async create(token: string, inputs: Values, operation: Operation): Promise<Existing<Values, Values>> {
    return this.type(token).create(inputs, this.#context(operation));
  }

  async read(
    token: string,
    id: string,
    last: { inputs: Values; state: Values } | undefined,
    operation: Operation,
  ): Promise<Existing<Values, Values> | undefined> {
    return this.type(token).read(id, last, this.#context(operation));
  }

  async update(
    token: string,
    id: string,
    was: { inputs: Values; state: Values },
    inputs: Values,
    operation: Operation,
  ): Promise<Existing<Values, Values>> {
    return this.type(token).update(id, was, inputs, this.#context(operation));
  }

  async delete(
    token: string,
    id: string,
    last: { inputs: Values; state: Values },
    operation: Operation,
  ): Promise<void> {
    await this.type(token).delete(id, last, this.#context(operation));
  }

  /** Calls a function. The result is unknown if an argument or the configuration is. */
  async invoke(
    token: string,
    raw: Values,
    operation: Operation,
  ): Promise<{ result: Values; problems: Problem[] }> {
    const invoke = this.#definition.invokes.find((candidate) => candidate.token === token);
    if (invoke === undefined) throw new ProviderError(`${token} is not a function of ${this.name}`);
    const { inputs, problems } = checkInputs(invoke.args, raw);
    if (problems.length > 0) return { result: {}, problems };
    if (this.#config === undefined || hasUnknown(inputs))
      return { result: { unknown: UNKNOWN }, problems: [] };
    return { result: await invoke.call(inputs, this.#context(operation)), problems: [] };
  }

  #context(operation: Operation): Context<Config> {
    if (this.#config === undefined) {
      throw new ProviderError(`the ${this.name} provider's configuration is not known yet`);
    }
    return { ...operation, config: this.#config };
  }
}
