import type { Command } from "commander";
import { styleText } from "node:util";
import { findRoot } from "../engine/project.ts";
import { diagnose, type Finding } from "./diagnosis.ts";

/** `doctor`: whether this host can run a stack, with a remedy for each thing that is missing. Exit 0 pass, 1 fail. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check this host for a stack; changes nothing")
    .argument("[stack]", "which stack", "dev")
    .option("--json", "as JSON: {stack, passed, failures, findings}")
    .action(async (stack: string, options: { json?: boolean }) => {
      const findings = await diagnose(findRoot(process.cwd()));
      const failures = findings.filter(({ level }) => level === "fail");
      if (options.json === true) {
        const report = {
          stack,
          passed: failures.length === 0,
          failures: failures.map(({ check }) => check),
          findings,
        };
        process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
      } else {
        process.stdout.write(findings.map(show).join(""));
      }
      process.exitCode = failures.length === 0 ? 0 : 1;
    });
}

function show({ level, check, found, remedy }: Finding): string {
  const colour = level === "pass" ? "green" : level === "note" ? "yellow" : "red";
  const line = `${styleText(colour, level.padEnd(4))} ${check}: ${found}\n`;
  return remedy === undefined ? line : `${line}       ${remedy}\n`;
}
