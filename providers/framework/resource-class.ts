import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { InputSchemas } from "./resource.ts";

/**
 * A program's side of a resource: Pulumi's class for it, whose arguments are the provider's input schemas and whose
 * outputs are the required inputs and `Outputs`. Schemas are used as types only, so a program loads no provider.
 */
export type ResourceClass<Inputs extends InputSchemas, Outputs extends object> = new (
  name: string,
  args: ArgsOf<Inputs>,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource & PropertiesOf<Inputs, Outputs>;

/** The arguments for input schemas: any value may be an output, and what has a default may be left out. */
export type ArgsOf<Inputs extends InputSchemas> = RequiredArgs<Inputs, RequiredKeys<Inputs>> &
  OptionalArgs<Inputs, OptionalKeys<Inputs>>;

/** What a program may give for one schema, without its being optional. */
export type ValueArgs<Schema extends z.ZodType> = NonNullable<WithInputsInside<z.input<Schema>>>;

/** The same for one element of a list. */
export type ElementArgs<Schema extends z.ZodType> =
  NonNullable<z.input<Schema>> extends readonly (infer Element)[] ? WithInputsInside<Element> : never;

/** `T` where each value inside it may be an output, too. */
type DeepInput<T> = pulumi.Input<WithInputsInside<T>>;

type WithInputsInside<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Element)[]
    ? DeepInput<Element>[]
    : { [K in keyof T]: DeepInput<T[K]> };

type OptionalKeys<Inputs extends InputSchemas> = {
  [K in keyof Inputs]: undefined extends z.input<Inputs[K]> ? K : never;
}[keyof Inputs];
type RequiredKeys<Inputs extends InputSchemas> = Exclude<keyof Inputs, OptionalKeys<Inputs>>;

// With the keys as a parameter, as in `Pick`, an editor shows the schema's doc comment for each argument.
type RequiredArgs<Inputs extends InputSchemas, Keys extends keyof Inputs> = {
  [K in Keys]: DeepInput<z.input<Inputs[K]>>;
};
type OptionalArgs<Inputs extends InputSchemas, Keys extends keyof Inputs> = {
  [K in Keys]?: DeepInput<z.input<Inputs[K]>> | undefined;
};
type PropertiesOf<Inputs extends InputSchemas, Outputs extends object> = OutputsOf<Outputs> &
  OutputsOfInputs<Inputs, Exclude<RequiredKeys<Inputs>, keyof Outputs>>;
type OutputsOf<Outputs extends object> = { readonly [K in keyof Outputs]-?: pulumi.Output<Outputs[K]> };
type OutputsOfInputs<Inputs extends InputSchemas, Keys extends keyof Inputs> = {
  readonly [K in Keys]: pulumi.Output<z.output<Inputs[K]>>;
};

/**
 * Makes the class of the resource `token`. `outputs` names every output, as "secret" where it is one; `secretInputs` are
 * encrypted in the state whatever the program says.
 */
export function resourceClass<Inputs extends InputSchemas, Outputs extends object>(
  token: string,
  outputs: Readonly<Record<keyof Outputs & string, "plain" | "secret">>,
  secretInputs: readonly (keyof Inputs & string)[] = [],
): ResourceClass<Inputs, Outputs> {
  const names = Object.keys(outputs);
  const secretOutputs = Object.entries(outputs).flatMap(([name, kind]) => (kind === "secret" ? [name] : []));
  // The SDK makes a property of each key that it is given, of outputs as well.
  const unset = Object.fromEntries(names.map((name) => [name, undefined]));
  const additionalSecretOutputs = [...secretOutputs, ...secretInputs];
  class Derived extends pulumi.CustomResource {
    constructor(name: string, args: Readonly<Record<string, unknown>>, opts?: pulumi.CustomResourceOptions) {
      const secrets = secretInputs.filter((key) => args[key] !== undefined);
      const encrypted = Object.fromEntries(secrets.map((key) => [key, pulumi.secret(args[key])]));
      super(
        token,
        name,
        { ...unset, ...args, ...encrypted },
        additionalSecretOutputs.length === 0 ? opts : pulumi.mergeOptions(opts, { additionalSecretOutputs }),
      );
    }
  }
  return Derived as unknown as ResourceClass<Inputs, Outputs>;
}
