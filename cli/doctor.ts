import type { Command } from "commander";
import { styleText } from "node:util";
import { findRoot } from "../engine/project.ts";
import { diagnose, type Finding } from "./diagnosis.ts";
import { diagnoseGpus } from "./gpu-diagnosis.ts";
import { GpuHost } from "./gpu-host.ts";

/** `doctor [stack]` and `doctor gpu`: what this host lacks, with a remedy for each thing. Exit 0 pass, 1 fail. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .description("check this host for a stack; changes nothing")
    .argument("[stack]", "which stack", "dev")
    .option("--json", "as JSON: {stack, passed, failures, findings}")
    .action(async (stack: string, options: DoctorOptions) => {
      report(await diagnose(findRoot(process.cwd()), stack), { stack }, options);
    });
  doctor
    .command("gpu")
    .description("check what lies between this host's NVIDIA GPUs and a container on them; changes nothing")
    .option("--json", "as JSON: {passed, failures, findings}")
    .action(async (_options: unknown, command: Command) => {
      report(await diagnoseGpus(new GpuHost()), {}, command.optsWithGlobals());
    });
}

interface DoctorOptions {
  readonly json?: boolean;
}

/** Prints what was found, and makes the exit code of it. */
function report(findings: readonly Finding[], about: object, { json }: DoctorOptions): void {
  const failures = findings.filter(({ level }) => level === "fail").map(({ check }) => check);
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ ...about, passed: failures.length === 0, failures, findings }, undefined, 2)}\n`
      : findings.map(show).join(""),
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function show({ level, check, found, remedy }: Finding): string {
  const colour = level === "pass" ? "green" : level === "note" ? "yellow" : "red";
  const line = `${styleText(colour, level.padEnd(4))} ${check}: ${found}\n`;
  return remedy === undefined ? line : `${line}       ${remedy}\n`;
}
