import { expect, it } from "vitest";
import { neighbour } from "../../../../services/pipelines/web/page/neighbour.ts";
import type { StepView } from "../../../../services/pipelines/web/view.ts";

const step = (id: string, dependsOn: string[] = []): StepView => ({
  ...{ id, runId: "r", name: id, type: "command", dependsOn, state: "waiting", reason: "", attempt: 0 },
  ...{ attempts: 3, queue: "", worker: "", progress: "" },
  ...{ scheduledAt: null, startedAt: null, endedAt: null, exitCode: null },
});

//  a ── c ── e
//  b ── d
//  far away: z
const steps = [step("a"), step("b"), step("c", ["a"]), step("d", ["b"]), step("e", ["c"]), step("z")];
const positions = new Map([
  ["a", { x: 0, y: 0 }],
  ["b", { x: 0, y: 100 }],
  ["c", { x: 300, y: 0 }],
  ["d", { x: 300, y: 100 }],
  ["e", { x: 600, y: 60 }],
  ["z", { x: 0, y: 900 }],
]);

it.each([
  ["a", "right", "c"],
  ["b", "right", "d"],
  ["e", "left", "c"],
  ["d", "left", "b"],
  ["a", "down", "b"],
  ["d", "up", "c"],
  ["b", "down", "z"],
  ["d", "right", "e"],
  ["a", "left", undefined],
  ["a", "up", undefined],
  ["e", "right", undefined],
  ["none", "right", undefined],
] as const)("from %s to the %s lies %s", (from, direction, to) => {
  expect(neighbour(steps, positions, from, direction)).toBe(to);
});
