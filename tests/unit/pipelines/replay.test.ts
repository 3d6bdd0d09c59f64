import { DeterminismViolationError } from "@temporalio/workflow";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { temporal } from "@temporalio/proto";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleWorkflows } from "../../../services/pipelines/workflow-bundle.ts";
import { historyNames, readHistory } from "../../support/histories.ts";

const { EventType } = temporal.api.enums.v1;
type Bundle = Awaited<ReturnType<typeof bundleWorkflows>>;

/** What a pipeline can do, and the event or the name that says that a history has it. */
const eventTypes = (name: string): Set<string> =>
  new Set(readHistory(name).events.map(({ eventType }) => EventType[eventType ?? 0] ?? ""));

const activities = (name: string): string[] =>
  readHistory(name).events.flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );

describe("histories that were recorded by earlier code", () => {
  const names = historyNames();
  let workflowBundle: Bundle;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { filter: "OFF" } } });
    workflowBundle = await bundleWorkflows();
  });

  it.each(names)("%s replays with today's", async (name) => {
    await Worker.runReplayHistory({ workflowBundle }, readHistory(name), name);
  });

  it("do not replay where the code does something else", async () => {
    const history = readHistory("order");
    const first = history.events.find((event) => event.activityTaskScheduledEventAttributes);
    const scheduled = first?.activityTaskScheduledEventAttributes;
    if (!scheduled) throw new Error("no activity in the history");
    scheduled.activityId = "another";
    await expect(Worker.runReplayHistory({ workflowBundle }, history, "order")).rejects.toThrow(
      DeterminismViolationError,
    );
  });

  it("have every type of step", () => {
    expect([...new Set(names.flatMap(activities))].sort()).toEqual([
      "ContainerJob",
      "DockerBuild",
      "DockerPush",
      "DownloadFile",
      "HFDownloadDataset",
      "HFDownloadModel",
      "PackageBuild",
      "RunCommand",
    ]);
  });

  it.each([
    ["order", "WORKFLOW_EXECUTION_COMPLETED"],
    ["failed", "WORKFLOW_EXECUTION_FAILED"],
    ["cancelled", "WORKFLOW_EXECUTION_CANCEL_REQUESTED"],
    ["cancelled", "ACTIVITY_TASK_CANCELED"],
    ["retried", "ACTIVITY_TASK_TIMED_OUT"],
    ["retried", "ACTIVITY_TASK_FAILED"],
    ["long", "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"],
    ["wide", "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"],
    ["wide-ended", "WORKFLOW_EXECUTION_COMPLETED"],
  ])("%s has %s", (name, type) => {
    expect(eventTypes(name)).toContain(`EVENT_TYPE_${type}`);
  });
});
