import type { Site } from "../../config/site.ts";
import type { Host, Said } from "../doctor/host.ts";

/** What became of a step. `not tried`: this host cannot do it, or something before it failed; it proves nothing. */
export type Status = "passed" | "failed" | "not tried";

/** One thing that was proven, or was not. */
export interface Result {
  /** What is proven, in a few words: `console log`, `reset method`. */
  readonly step: string;
  /** Of what: a device's address, a machine, a GPU; undefined: the host. */
  readonly subject?: string;
  readonly status: Status;
  readonly found: string;
  readonly remedy?: string;
  readonly seconds: number;
  /** What a program said, as it said it, for who wants to see for himself. */
  readonly evidence?: string;
}

/** A machine of the stack that is up. */
export interface Guest {
  readonly name: string;
  readonly shortName: string;
  /** Runs a command there as root; `missing`: the machine does not answer. */
  run(...command: readonly string[]): Promise<Said>;
}

/** What the steps work on; tests have fakes of each. */
export interface Ground {
  readonly host: Host;
  readonly site: Site;
  /** Name of the stack, which owns its devices and pages. */
  readonly stack: string;
  readonly libvirtUri: string;
  /** Machines of the stack; empty where it is not up. */
  readonly guests: readonly Guest[];
  /** Runs a playbook on this host. */
  play(name: string, variables: Readonly<Record<string, unknown>>): Promise<Said>;
  readonly signal: AbortSignal;
}

/** The end of a step, without its name and its time. */
export type Outcome = Pick<Result, "status" | "found" | "remedy" | "evidence">;

export function passed(found: string, evidence?: string): Outcome {
  return { status: "passed", found, ...(evidence !== undefined && { evidence }) };
}

export function failed(found: string, remedy: string, evidence?: string): Outcome {
  return { status: "failed", found, remedy, ...(evidence !== undefined && { evidence }) };
}

export function notTried(found: string): Outcome {
  return { status: "not tried", found };
}

/** Times a step. What it throws is its failure: the steps after it go on. */
export async function attempt(
  step: string,
  subject: string | undefined,
  work: () => Promise<Outcome>,
): Promise<Result> {
  const began = performance.now();
  const outcome = await work().catch((error: unknown) =>
    failed(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error), "see above"),
  );
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return { step, ...(subject !== undefined && { subject }), ...outcome, seconds };
}

/** What a program said in one line, for a report. */
export function lastLine(said: Said): string {
  if (said.kind === "missing") return "it is not there";
  return said.output.split("\n").findLast((line) => line.trim() !== "") ?? `exit code ${said.exitCode}`;
}

/** Whether a program was there and ended well. */
export function succeeded(said: Said): said is Extract<Said, { kind: "said" }> & { exitCode: 0 } {
  return said.kind === "said" && said.exitCode === 0;
}
