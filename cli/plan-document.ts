import { UserError } from "../config/errors.ts";
import type { Engine, StackReference } from "../engine/engine.ts";
import { nameOf } from "../wire/urn.ts";
import { describe, PLAN_VERSION, type Plan } from "../engine/plan.ts";

/** Previews a stack as one document for programs; problems that end the preview are listed in `failures`. */
export async function planDocument(
  engine: Engine,
  { root, stack }: StackReference,
  parallel: number,
  replace?: readonly string[],
): Promise<Plan> {
  const [warnings, failures]: [string[], string[]] = [[], []];
  let described: ReturnType<typeof describe> = { resources: [], outputs: {}, violations: [] };
  try {
    const plan = await engine.plan({
      emit(event) {
        if (event.type === "failed") failures.push(`${nameOf(event.urn)}: ${event.message}`);
        if (event.type === "log" && event.level === "error") failures.push(event.line);
        if (event.type === "log" && event.level === "warning") warnings.push(event.line);
      },
      signal: new AbortController().signal,
      parallel,
      ...(replace !== undefined && { replace }),
    });
    described = describe(plan, root);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    failures.push(error.message, ...error.details);
  }
  return { version: PLAN_VERSION, stack, engine: engine.name, ...described, warnings, failures };
}
