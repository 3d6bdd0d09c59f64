import { z } from "zod";
import { parse } from "../../../config/messages.ts";
import { RETRY, TIMEOUT_SECONDS } from "./expand.ts";
import type { Plan } from "./plan.ts";
import { PlanError } from "./read.ts";

const commandList = z.strictObject({
  logDir: z.string().optional(),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      command: z.string(),
      args: z.array(z.string()).default([]),
      env: z.record(z.string(), z.string()).default({}),
      workingDir: z.string().default(""),
      timeoutSeconds: z.int().default(0),
      allowFailure: z.boolean().default(false),
    }),
  ),
});

/**
 * Reads the old JSON list of commands, which run one after another.
 * @throws {PlanError} with every problem
 */
export function readCommandList(text: string, file: string): Plan {
  const fail = (what: string, message: string): never => {
    throw new PlanError(file, what, [{ path: "", message }]);
  };
  const parsed = parse(
    commandList,
    json(text, (message) => fail("unable to parse plan", message)),
  );
  if ("problems" in parsed) throw new PlanError(file, "plan validation failed", parsed.problems);
  const { logDir = "", steps } = parsed.value;
  if (steps.length === 0) return fail("plan validation failed", "plan must have at least one step");
  const ids = uniqueIds(steps.map(({ name }) => name));
  return {
    ...(logDir !== "" && { logDir }),
    maxParallel: 1,
    steps: steps.map(({ name, command, args, env, workingDir, timeoutSeconds, allowFailure }, index) => ({
      id: ids[index] ?? name,
      name,
      dependsOn: [],
      timeoutSeconds: timeoutSeconds > 0 ? timeoutSeconds : TIMEOUT_SECONDS,
      allowFailure,
      retry: RETRY,
      env,
      ...(workingDir !== "" && { workingDir }),
      action: { type: "command", command, args },
    })),
  };
}

function json(text: string, fail: (message: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** Unique names: adds a number to a repeated one, which the old format allowed. */
function uniqueIds(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let id = name;
    for (let number = 2; taken.has(id); number++) id = `${name}-${number}`;
    taken.add(id);
    return id;
  });
}
