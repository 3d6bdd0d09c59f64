import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { planSchema, type Plan } from "../../engine/plan.ts";

/** The result of a preview of one stack in one checkout. */
export type Outcome =
  | { readonly kind: "plan"; readonly plan: Plan }
  /** The checkout has no such stack. */
  | { readonly kind: "absent" }
  /** The program knows the stack, but does not build it yet. */
  | { readonly kind: "not-yet" }
  | { readonly kind: "failed"; readonly lines: readonly string[] };

const LONGEST_MINUTES = 5;
const SHOWN_LINES = 12;
// Only these, as the workflow's environment may have secrets.
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG"];

/** The stacks of a checkout: `dev` of `Pulumi.dev.yaml`. */
export function stacksOf(checkout: string): string[] {
  return readdirSync(checkout)
    .flatMap((name) => /^Pulumi\.([a-z0-9-]+)\.yaml$/.exec(name)?.[1] ?? [])
    .filter((stack) => !stack.startsWith("test-"))
    .sort();
}

/** Previews a stack with the checkout's own `ai-how`, in-process: without host, cluster, secret or state. */
export async function outcomeOf(checkout: string, stack: string): Promise<Outcome> {
  if (!existsSync(join(checkout, `Pulumi.${stack}.yaml`))) return { kind: "absent" };
  const args = ["preview", stack, "--engine", "in-process", "--format", "json"];
  const result = await execa(join(checkout, "bin", "ai-how"), args, {
    cwd: checkout,
    env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: LONGEST_MINUTES * 60_000,
  });
  const plan = planSchema.safeParse(json(result.stdout)).data;
  if (plan === undefined) {
    const lines = result.stderr.split("\n").filter((line) => line.trim() !== "");
    return {
      kind: "failed",
      lines: lines.length > 0 ? lines.slice(0, SHOWN_LINES) : [result.shortMessage ?? "it printed nothing"],
    };
  }
  if (plan.failures.some((line) => line.includes(`the target ${stack} is not there yet`)))
    return { kind: "not-yet" };
  return plan.failures.length > 0
    ? { kind: "failed", lines: plan.failures.slice(0, SHOWN_LINES) }
    : { kind: "plan", plan };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
