import { expect, it } from "vitest";
import { PlanError, readCommandList } from "../../../services/pipelines/plan/index.ts";
import { resultJson } from "../../../services/pipelines/result-text.ts";

function problems(text: string): readonly string[] {
  try {
    readCommandList(text, "list.json");
  } catch (error) {
    if (error instanceof PlanError) return error.details;
    throw error;
  }
  return [];
}

it("the old list of commands is a plan whose steps run one after the other", () => {
  const list = {
    logDir: "out",
    steps: [
      {
        name: "make",
        command: "make",
        args: ["-j2"],
        env: { A: "1" },
        workingDir: "src",
        timeoutSeconds: 60,
      },
      { name: "make", command: "true", allowFailure: true },
    ],
  };
  expect(readCommandList(JSON.stringify(list), "list.json")).toMatchObject({
    logDir: "out",
    maxParallel: 1,
    steps: [
      {
        ...{ id: "make", name: "make", dependsOn: [], timeoutSeconds: 60, allowFailure: false },
        ...{
          env: { A: "1" },
          workingDir: "src",
          action: { type: "command", command: "make", args: ["-j2"] },
        },
      },
      { id: "make-2", name: "make", timeoutSeconds: 7200, allowFailure: true, retry: { attempts: 3 } },
    ],
  });
});

it.each([
  ["{", /^list\.json: .*JSON/],
  ['{"steps": []}', /plan must have at least one step/],
  ['{"steps": [{"name": "a"}]}', /steps\[0\]\.command.*is required/],
  ['{"steps": [{"name": "a", "command": "x", "workingdir": "y"}]}', /did you mean workingDir/],
  ['{"steps": [{"name": "a", "command": "x", "args": "y"}]}', /steps\[0\]\.args/],
])("a list that is none says where: %s", (text, message) => {
  expect(problems(text).join("\n")).toMatch(message);
});

it("its result has the fields of old, of the steps that ran", () => {
  const result = {
    ...{ name: "a", exitCode: 3, stdout: "x", stderr: "", stdoutPath: "p", stderrPath: "q" },
    ...{ structuredPath: "s", stdoutTruncated: false, stderrTruncated: false, succeeded: false },
    ...{ durationSec: 1.5, error: "" },
  };
  const text = resultJson({
    succeeded: false,
    steps: [
      { id: "a", name: "a", state: "failed", skipReason: "", result },
      { id: "b", name: "b", state: "cancelled", skipReason: "" },
    ],
  });
  expect(JSON.parse(text)).toEqual({ succeeded: false, steps: [result] });
  expect(text.split("\n")[1]).toBe('  "succeeded": false,');
});
