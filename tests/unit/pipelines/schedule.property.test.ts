import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plan, Step } from "../../../services/pipelines/plan/index.ts";
import { Schedule, type Decisions, type StepState } from "../../../services/pipelines/schedule.ts";

function step(id: string, dependsOn: readonly string[], when?: Step["when"]): Step {
  return {
    id,
    name: id,
    dependsOn,
    timeoutSeconds: 1,
    allowFailure: true,
    retry: { attempts: 1, initialSeconds: 1, factor: 1, maxSeconds: 1 },
    env: {},
    action: { type: "command", command: "true", args: [] },
    ...(when !== undefined && { when }),
  };
}

/** Plans in which each step depends on some before it, and maybe runs only when one of them ended in one way. */
const plans: fc.Arbitrary<Plan> = fc
  .tuple(
    fc.array(
      fc.record({
        dependencies: fc.uniqueArray(fc.nat(20), { maxLength: 4 }),
        when: fc.option(
          fc.record({ which: fc.nat(3), status: fc.constantFrom("success" as const, "failure" as const) }),
        ),
      }),
      { minLength: 1, maxLength: 20 },
    ),
    fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  )
  .map(([shapes, maxParallel]) => ({
    ...(maxParallel !== undefined && { maxParallel }),
    steps: shapes.map(({ dependencies, when }, position) => {
      const dependsOn = dependencies.filter((other) => other < position).map((other) => `s${other}`);
      const about = when === null ? undefined : dependsOn[when.which];
      return step(
        `s${position}`,
        dependsOn,
        when === null || about === undefined ? undefined : { step: about, status: when.status },
      );
    }),
  }));

/** What the table of the documentation says of a step whose dependencies are over. */
function expected({ dependsOn, when }: Step, states: ReadonlyMap<string, StepState>): "run" | "skip" {
  if (when !== undefined)
    return states.get(when.step) === (when.status === "failure" ? "failed" : "success") ? "run" : "skip";
  return dependsOn.every((id) => states.get(id) === "success") ? "run" : "skip";
}

test("for any plan and any outcomes: nothing too early, nothing too late, nothing lost, and all by the table", () => {
  fc.assert(
    fc.property(
      plans,
      fc.infiniteStream(fc.record({ next: fc.nat(100), fails: fc.boolean() })),
      (plan, outcomes) => {
        const schedule = new Schedule(plan);
        const states = new Map<string, StepState>();
        const running: string[] = [];
        const begun = new Set<string>();
        const byId = new Map(plan.steps.map((each) => [each.id, each]));
        const take = ({ run, skip }: Decisions): void => {
          for (const { id, reason } of skip) {
            expect(reason).toMatch(
              /^(dependency s\d+ did not succeed|when condition not met: s\d+ is (success|failed|skipped))$/,
            );
            states.set(id, "skipped");
          }
          for (const { id } of run) {
            expect(begun.has(id), `${id} begins once`).toBe(false);
            begun.add(id);
            running.push(id);
          }
          for (const { id, dependsOn } of [...run, ...skip.map(({ id }) => byId.get(id) ?? expect.fail(id))])
            expect(
              dependsOn.every((other) => states.has(other)),
              `${id} waits for all that it depends on`,
            ).toBe(true);
          for (const each of run) expect(expected(each, states), each.id).toBe("run");
          for (const { id } of skip)
            expect(expected(byId.get(id) ?? expect.fail(id), states), id).toBe("skip");
          expect(running.length).toBeLessThanOrEqual(plan.maxParallel ?? Infinity);
          const idle = plan.steps.filter(
            ({ id, dependsOn }) =>
              !begun.has(id) && !states.has(id) && dependsOn.every((other) => states.has(other)),
          );
          if (running.length < (plan.maxParallel ?? Infinity))
            expect(idle, "begins as soon as it can").toEqual([]);
        };
        take(schedule.start());
        for (const { next, fails } of outcomes) {
          if (running.length === 0) break;
          const [id = ""] = running.splice(next % running.length, 1);
          const state = fails ? "failed" : "success";
          states.set(id, state);
          take(schedule.finish(id, state));
        }
        expect(schedule.isOver).toBe(true);
        expect([...states.keys()].sort()).toEqual(plan.steps.map(({ id }) => id).sort());
      },
    ),
    { numRuns: 500 },
  );
});

test("after a stop nothing begins, and what never began is named", () => {
  const schedule = new Schedule({ maxParallel: 1, steps: [step("a", []), step("b", []), step("c", ["a"])] });
  expect(schedule.start().run.map(({ id }) => id)).toEqual(["a"]);
  expect(schedule.stop().map(({ id }) => id)).toEqual(["b", "c"]);
  expect(schedule.finish("a", "failed")).toEqual({ run: [], skip: [] });
});

test("a chain of 2,000 and 2,000 side by side take no time worth mentioning", () => {
  const chain = Array.from({ length: 2000 }, (_, i) => step(`s${i}`, i === 0 ? [] : [`s${i - 1}`]));
  const wide = Array.from({ length: 2000 }, (_, i) => step(`w${i}`, []));
  const schedule = new Schedule({ steps: [...chain, ...wide] });
  const open = [...schedule.start().run];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    open.push(...schedule.finish(next.id, "success").run);
  expect(schedule.isOver).toBe(true);
});
