import { UserError } from "../config/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { nameOf } from "../engine/in-process/urn.ts";
import { PLAN_VERSION, type Described, type Plan } from "../engine/plan.ts";

/** Previews for a program: the whole plan as one document, that of a stack which cannot be previewed included. */
export async function planDocument(
  engine: Engine,
  stack: string,
  parallel: number,
  replace?: readonly string[],
): Promise<Plan> {
  const [warnings, failures]: [string[], string[]] = [[], []];
  let described: Described = { resources: [], outputs: {}, violations: [] };
  try {
    described = await engine.describe({
      emit(event) {
        if (event.type === "failed") failures.push(`${nameOf(event.urn)}: ${event.message}`);
        if (event.type === "log" && event.level === "error") failures.push(event.line);
        if (event.type === "log" && event.level === "warning") warnings.push(event.line);
      },
      signal: new AbortController().signal,
      parallel,
      ...(replace !== undefined && { replace }),
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    failures.push(error.message, ...error.details);
  }
  return { version: PLAN_VERSION, stack, engine: engine.name, ...described, warnings, failures };
}
