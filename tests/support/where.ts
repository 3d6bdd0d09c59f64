import { describe } from "vitest";
import { diagnose } from "../../cli/diagnosis.ts";
import { findPulumi } from "../../engine/select.ts";
import { repository } from "./project.ts";

/** Why a stack cannot be brought up on this host, as `doctor` says it; undefined where it can. */
export async function hostLacks(): Promise<string | undefined> {
  const failures = (await diagnose(repository)).filter(({ level }) => level === "fail");
  return failures.length === 0
    ? undefined
    : failures.map(({ check, found }) => `${check}: ${found}`).join("; ");
}

/** Why Pulumi's own engine cannot run here; undefined where it can. */
export async function pulumiLacks(): Promise<string | undefined> {
  return (await findPulumi()) === undefined
    ? "Pulumi's CLI is neither on PATH nor in ~/.pulumi: `npx pulumi version` fetches it"
    : undefined;
}

/** A group of tests that runs unless something is lacking, and then says in its name what. */
export function describeUnless(lacking: string | undefined, name: string, tests: () => void): void {
  if (lacking === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${lacking})`, tests);
}
