import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Host, type ProgramResult } from "../../cli/doctor/host.ts";
import type { Guest, VerifyContext } from "../../cli/verify/context.ts";
import type { Result } from "../../cli/verify/step.ts";
import { deriveSite, loadClusterFile } from "../../config/index.ts";
import type { FakeHost } from "./fake-host.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../stacks/workstation.yaml");

/** What a fake program says; a number alone is an exit code. */
export type FakeAnswer = string | { readonly exitCode: number; readonly output: string };

export function said(answer: FakeAnswer | undefined): ProgramResult {
  if (answer === undefined) return { kind: "missing" };
  if (typeof answer === "string")
    return { kind: "ended", exitCode: 0, stdout: answer, output: answer.trim() };
  return { kind: "ended", exitCode: answer.exitCode, stdout: answer.output, output: answer.output.trim() };
}

/** A machine that answers by a function of its command line; what that does not know, it lacks. */
export function fakeGuest(
  name: string,
  answer: (
    line: string,
    command: readonly string[],
  ) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>,
): Guest {
  return {
    name,
    shortName: name.replace(/^\w+-/, ""),
    run: async (...command) => said(await answer(command.join(" "), command)),
  };
}

interface FakeVerifyContextOptions {
  readonly guests?: readonly Guest[];
  readonly play?: VerifyContext["play"];
  /** Changes the example's cluster file. */
  readonly edit?: (file: string) => string;
}

/** What the steps of `verify` work on: a fake host, and the example of a workstation. */
export function fakeVerifyContext(
  host: FakeHost,
  {
    guests = [],
    play = () => Promise.resolve(said({ exitCode: 2, output: "no such playbook" })),
    edit = (file) => file,
  }: FakeVerifyContextOptions = {},
): VerifyContext {
  const file = host.write("cluster.yaml", edit(readFileSync(EXAMPLE, "utf8")));
  return {
    host: new Host({ root: host.root, path: join(host.root, "bin"), uid: 0 }),
    site: deriveSite(loadClusterFile(file).config),
    stack: "workstation",
    libvirtUri: "qemu:///system",
    guests,
    play,
    signal: new AbortController().signal,
  };
}

/** All that steps say, as `status subject: step: found`. */
export async function linesOf(steps: AsyncIterable<Result>): Promise<string[]> {
  const lines: string[] = [];
  for await (const { status, subject, step, found, remedy } of steps) {
    if (status === "failed" && (remedy ?? "") === "") throw new Error(`${step} has no remedy`);
    lines.push(`${status} ${subject === undefined ? "" : `${subject}: `}${step}: ${found}`);
  }
  return lines;
}
