import { stringify } from "yaml";
import type { ActionResult, PipelineResult } from "./result.ts";

/** The result in the format of the old `orchestrate`: YAML with Go's field names in lower case. */
export function resultYaml({ succeeded, steps }: PipelineResult): string {
  return stringify(
    {
      succeeded,
      steps: steps.map(({ id, name, state, skipReason, result }) => ({
        id,
        name,
        state,
        skipreason: skipReason,
        result: {
          name: result?.name ?? "",
          exitcode: result?.exitCode ?? 0,
          stdout: result?.stdout ?? "",
          stderr: result?.stderr ?? "",
          stdoutpath: result?.stdoutPath ?? "",
          stderrpath: result?.stderrPath ?? "",
          structuredpath: result?.structuredPath ?? "",
          stdouttruncated: result?.stdoutTruncated ?? false,
          stderrtruncated: result?.stderrTruncated ?? false,
          succeeded: result?.succeeded ?? false,
          durationsec: result?.durationSec ?? 0,
          error: result?.error ?? "",
        },
      })),
    },
    { lineWidth: 0 },
  );
}

/** The result in the format of the old list of commands: indented JSON, only with steps that ran. */
export function resultJson({ succeeded, steps }: PipelineResult): string {
  const results = steps.flatMap(({ result }) => result ?? []);
  return `${JSON.stringify({ succeeded, steps: results.map(jsonOf) }, undefined, 2)}\n`;
}

function jsonOf(result: ActionResult): ActionResult {
  const { name, exitCode, stdout, stderr, stdoutPath, stderrPath, structuredPath } = result;
  const { stdoutTruncated, stderrTruncated, succeeded, durationSec, error } = result;
  return {
    ...{ name, exitCode, stdout, stderr, stdoutPath, stderrPath, structuredPath },
    ...{ stdoutTruncated, stderrTruncated, succeeded, durationSec, error },
  };
}
