// The policy pack that Pulumi's CLI runs: `pulumi preview --policy-pack policy`. The rules themselves are in rules.ts.
import { createRequire } from "node:module";
import { PolicyPack, type PolicyResourceOptions } from "@pulumi/policy";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { z } from "zod";
import type { Properties, Resource } from "./resource.ts";
import { resourceRules, stackRules } from "./rules.ts";
import { fromWire } from "./wire.ts";

keepMarks();
new PolicyPack("ai-how", {
  enforcementLevel: "mandatory",
  policies: [
    ...resourceRules.map(({ name, description, check }) => ({
      name,
      description,
      validateResource: (resource: Arguments, report: (message: string) => void) => {
        check(resourceOf(resource)).forEach((message) => {
          report(message);
        });
      },
    })),
    ...stackRules.map(({ name, description, check }) => ({
      name,
      description,
      validateStack: (
        { resources }: { readonly resources: readonly Arguments[] },
        report: (message: string, urn: string) => void,
      ) => {
        for (const { message, urn } of check(resources.map(resourceOf))) report(message, urn);
      },
    })),
  ],
});

/** What Pulumi hands to both kinds of policy, as far as rules want it. */
interface Arguments {
  readonly urn: string;
  readonly type: string;
  readonly props: Properties;
  readonly opts: PolicyResourceOptions;
}

function resourceOf({ urn, type, props, opts }: Arguments): Resource {
  return { urn, type, properties: props, protect: opts.protect };
}

/**
 * Has `@pulumi/policy` hand out properties as `fromWire` makes them. By itself it opens every secret and forgets that it
 * was one, and a rule that so much as looks at an unknown value is not run. The function is none of its public ones: the
 * package's version is pinned, and this fails aloud when it is not there.
 */
function keepMarks(): void {
  const inside = z
    .custom<{ deserializeProperties: (properties: Struct) => Properties }>(
      (value) => z.object({ deserializeProperties: z.function() }).safeParse(value).success,
      "@pulumi/policy has no deserializeProperties any more: policy/index.ts needs its place",
    )
    .parse(createRequire(import.meta.url)("@pulumi/policy/deserialize.js"));
  inside.deserializeProperties = (properties) => fromWire(properties.toJavaScript());
}
