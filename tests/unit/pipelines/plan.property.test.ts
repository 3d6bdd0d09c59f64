import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { PlanError, readPlan, type Plan } from "../../../services/pipelines/plan/index.ts";

/** The plan, or the problems that it has; nothing else may come of a text. */
function read(text: string): Plan | readonly string[] {
  try {
    return readPlan(text, { file: "p" }).plan;
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    expect(error.details.length).toBeGreaterThan(0);
    for (const line of error.details) expect(line).not.toMatch(/\n|undefined|\[object|Invalid input/);
    return error.details;
  }
}

const word = fc.constantFrom(
  "a",
  "b",
  "lint",
  "x y",
  "${inputs.a}",
  "${matrix.b}",
  "${",
  "true",
  "-1",
  "",
  "é\u0000",
  "x\ny",
);
const anything = fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 2 }));
const types = fc.constantFrom(
  ...["command", "download", "docker_build", "docker_push", "package_build", "container_job"],
  ...["hf_download_dataset", "hf_download_model", "sing"],
);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.oneof({ weight: 5, arbitrary: value }, anything);
const step = fc.record(
  {
    id: maybe(word),
    type: maybe(types),
    name: anything,
    command: maybe(word),
    args: maybe(fc.array(word, { maxLength: 3 })),
    depends_on: maybe(fc.array(word, { maxLength: 3 })),
    when: maybe(fc.record({ step: word, status: fc.constantFrom("success", "failure", "maybe") })),
    env: maybe(fc.dictionary(word, word, { maxKeys: 2 })),
    retry: maybe(fc.record({ attempts: anything, factor: anything }, { requiredKeys: [] })),
    matrix: maybe(fc.dictionary(word, fc.array(word, { maxLength: 3 }), { maxKeys: 2 })),
    timeout_seconds: anything,
    download: maybe(fc.record({ url: word, output: word, sha256: word }, { requiredKeys: [] })),
    container_job: anything,
    comand: anything,
  },
  { requiredKeys: [] },
);
const plan = fc.record(
  {
    steps: maybe(fc.array(step, { maxLength: 5 })),
    inputs: maybe(fc.dictionary(word, word)),
    max_parallel: anything,
  },
  { requiredKeys: ["steps"] },
);

test("whatever stands anywhere in a plan, it is reported or gives a plan; nothing else is thrown", () => {
  fc.assert(
    fc.property(plan, (value) => {
      read(stringify(value));
    }),
    { numRuns: 1000 },
  );
});

test("whatever the text is, it is reported or gives a plan; nothing else is thrown", () => {
  const whole = stringify({
    steps: [{ id: "a", type: "command", command: "true", args: ["&x", "*x", "|"] }],
  });
  const cut = fc.record({ at: fc.nat(whole.length), length: fc.nat(20), text: fc.string({ maxLength: 12 }) });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(cut, { minLength: 1, maxLength: 4 })), (text) => {
      read(
        typeof text === "string"
          ? text
          : text.reduce(
              (rest, { at, length, text: put }) => rest.slice(0, at) + put + rest.slice(at + length),
              whole,
            ),
      );
    }),
    { numRuns: 1000 },
  );
});

// Each step depends on some of those before it, so there is no circle.
const graph = fc
  .array(fc.uniqueArray(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
  .map((all) =>
    all.map((some, index) =>
      [...new Set(some.map((other) => other % Math.max(1, index)))].filter((other) => other < index),
    ),
  );

function textOf(dependencies: readonly (readonly number[])[], order: readonly number[]): string {
  const name = (index: number): string => `s${index}`;
  return stringify({
    steps: order.map((index) => ({
      id: name(index),
      type: "command",
      command: "true",
      depends_on: (dependencies[index] ?? []).map(name),
    })),
  });
}

test("a graph without a circle is a plan with the same steps and dependencies, in whatever order they stand", () => {
  const shuffled = graph.chain((dependencies) =>
    fc
      .shuffledSubarray([...dependencies.keys()], { minLength: dependencies.length })
      .map((order) => ({ dependencies, order })),
  );
  fc.assert(
    fc.property(shuffled, ({ dependencies, order }) => {
      const found = read(textOf(dependencies, order));
      if (!("steps" in found)) throw new Error(found.join("\n"));
      expect(found.steps.map(({ id, dependsOn }) => [id, dependsOn])).toEqual(
        order.map((index) => [`s${index}`, (dependencies[index] ?? []).map((other) => `s${other}`)]),
      );
    }),
  );
});

test("a graph with a circle is refused, and the circle named in full", () => {
  const circle = graph.chain((dependencies) =>
    fc
      .uniqueArray(fc.nat(dependencies.length - 1), { minLength: 1, maxLength: 5 })
      .map((members) => ({ dependencies, members })),
  );
  fc.assert(
    fc.property(circle, ({ dependencies, members }) => {
      const closed = dependencies.map((some) => [...some]);
      for (const [at, member] of members.entries()) {
        const next = members[(at + 1) % members.length] ?? member;
        if (!(closed[member] ?? []).includes(next)) closed[member]?.push(next);
      }
      const found = read(textOf(closed, [...closed.keys()]));
      if ("steps" in found) throw new Error("it has a circle, and was taken");
      const named =
        /steps depend on each other in a circle: (.*)/.exec(found.join("\n"))?.[1]?.split(" -> ") ?? [];
      expect(named.length).toBeGreaterThan(1);
      expect(named[0]).toBe(named.at(-1));
      // An arrow leads from a step to one that waits for it.
      for (const [at, name] of named.slice(1).entries())
        expect((closed[Number(name.slice(1))] ?? []).map((other) => `s${other}`)).toContain(named[at]);
    }),
  );
});
