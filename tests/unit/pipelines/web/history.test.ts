import { defaultPayloadConverter } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import {
  RunHistory,
  type HistoryEvent,
  type PendingActivity,
} from "../../../../services/pipelines/web/history.ts";
import { readHistory } from "../../../support/histories.ts";

/*
 * `a`, then `flaky`, which cannot be done and may not be, and `slow`; `rescue` after the failure, `skipped` and `below`
 * not; then `bad` fails.
 */
const events: readonly HistoryEvent[] = readHistory("failed").events;

/** The run as it was after so many events. */
function after(count: number): RunHistory {
  const history = new RunHistory("history", "run");
  history.add(events.slice(0, count));
  return history;
}

function states(history: RunHistory): Record<string, string> {
  return Object.fromEntries(history.steps.map(({ id, state }) => [id, state]));
}

describe("a history tells", () => {
  it("of the plan before anything has begun", () => {
    const history = after(1);
    expect(history.isPipeline).toBe(true);
    expect(new Set(Object.values(states(history)))).toEqual(new Set(["waiting"]));
    expect(history.steps.find(({ id }) => id === "flaky")).toMatchObject({
      name: "tried again",
      type: "command",
      dependsOn: ["a"],
      attempts: 2,
      attempt: 0,
    });
  });

  it("what is skipped as soon as the workflow knows, though no event says so", () => {
    const before = after(13);
    expect(states(before)).toMatchObject({ a: "success", slow: "queued", skipped: "waiting" });
    expect(states(after(14))).toMatchObject({
      flaky: "failed",
      skipped: "skipped",
      below: "skipped",
      rescue: "waiting",
    });
    expect(after(14).step("below")?.reason).toBe("dependency skipped did not succeed");
  });

  it("how it ended, with reasons, exit codes and times", () => {
    const history = after(events.length);
    expect(states(history)).toEqual({
      ...{ a: "success", flaky: "failed", skipped: "skipped", below: "skipped", rescue: "success" },
      ...{ slow: "cancelled", bad: "failed", never: "cancelled" },
    });
    expect(history.head).toMatchObject({
      state: "failed",
      failure: "step bad: step returned non-zero exit code",
    });
    expect(history.step("flaky")).toMatchObject({
      attempt: 2,
      exitCode: null,
      reason: "no-such-program: there is no such program on this worker",
    });
    expect(history.step("bad")).toMatchObject({ exitCode: 4, reason: "exit code 4" });
    const { scheduledAt, startedAt, endedAt } = history.step("a") ?? {};
    expect([scheduledAt, startedAt, endedAt].every((time) => typeof time === "number")).toBe(true);
    expect((endedAt ?? 0) - (startedAt ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it("the same however it comes, and each change once", () => {
    const whole = after(events.length);
    const bit = new RunHistory("history", "run");
    const seen = new Map<string, string>();
    for (const event of events) {
      const { version } = bit;
      bit.add([event]);
      for (const step of bit.changedSince(version)) {
        expect(JSON.stringify(step)).not.toBe(seen.get(step.id));
        seen.set(step.id, JSON.stringify(step));
      }
    }
    expect(bit.steps).toEqual(whole.steps);
    expect(bit.head).toEqual(whole.head);
    expect([...seen.values()].sort()).toEqual(whole.steps.map((step) => JSON.stringify(step)).sort());
  });
});

describe("what is under way", () => {
  const activity = (more: object): PendingActivity => ({ activityId: "slow", attempt: 1, ...more });

  it.each([
    ["waits for a worker", { state: 1 }, { state: "queued" }],
    ["runs", { state: 2, lastWorkerIdentity: "1@gpu" }, { state: "running", worker: "1@gpu", reason: "" }],
    ["is to stop", { state: 3 }, { state: "running" }],
    [
      "waits for its next try",
      { state: 1, attempt: 3, lastFailure: { message: "no disk" } },
      { state: "retrying", attempt: 3, reason: "try 2: no disk" },
    ],
    [
      "lost its worker",
      { state: 1, attempt: 2, lastFailure: { timeoutFailureInfo: { timeoutType: 4 } } },
      { state: "retrying", reason: "try 1: its worker was lost" },
    ],
    [
      "took too long",
      { state: 1, attempt: 2, lastFailure: { timeoutFailureInfo: { timeoutType: 1 } } },
      { reason: "try 1: it took longer than timeout_seconds" },
    ],
    [
      "says how far it is",
      {
        state: 2,
        heartbeatDetails: {
          payloads: [defaultPayloadConverter.toPayload({ bytes: 5_000_000, total: 20_000_000 })],
        },
      },
      { progress: "5.0 of 20.0 MB" },
    ],
  ])("%s", (_, pending, expected) => {
    const history = after(13);
    history.addPending([activity(pending)]);
    expect(history.step("slow")).toMatchObject(expected);
  });

  it("changes nothing that is over, and nothing where nothing is new", () => {
    const history = after(13);
    history.addPending([activity({ state: 2 })]);
    const { version } = history;
    history.addPending([
      activity({ state: 2 }),
      activity({ activityId: "a", state: 2 }),
      { activityId: "x" },
    ]);
    expect(history.version).toBe(version);
    expect(history.step("a")?.state).toBe("success");
  });
});

it("another program's workflow of the same name is none of ours", () => {
  const history = new RunHistory("w", "r");
  const input = { payloads: [defaultPayloadConverter.toPayload({ steps: [{ name: "old" }] })] };
  history.add([{ workflowExecutionStartedEventAttributes: { input } }]);
  expect(history.isPipeline).toBe(false);
  expect(history.steps).toEqual([]);
});
