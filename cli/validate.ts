import type { Command } from "commander";
import { ClusterFileError, formatProblem, loadClusterFile, type Problem } from "../config/index.ts";
import { DEFAULT_CLUSTER_FILE } from "./destination.ts";

/** `validate FILE`: prints every problem of a cluster file; changes nothing. Exit code 0: valid, 1: not valid, 2: usage. */
export function addValidate(program: Command): void {
  program
    .command("validate")
    .description("check a cluster file, without looking at the host")
    .argument("[file]", "the cluster file", DEFAULT_CLUSTER_FILE)
    .option("--json", "problems as JSON")
    .option(
      "--skip-pcie-validation",
      "without effect: validation never looks at devices; scripts of the old ai-how give this option",
    )
    .action((file: string, options: { json?: boolean }) => {
      const { errors, warnings } = validate(file);
      const valid = errors.length === 0;
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ file, valid, errors, warnings }, undefined, 2)}\n`);
      } else {
        for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
        for (const error of errors) process.stderr.write(`${formatProblem(error)}\n`);
        process.stdout.write(
          valid
            ? `${file}: valid\n`
            : `${file}: ${errors.length} ${errors.length === 1 ? "problem" : "problems"}\n`,
        );
      }
      process.exitCode = valid ? 0 : 1;
    });
}

function validate(file: string): { errors: readonly Problem[]; warnings: readonly Problem[] } {
  try {
    return { errors: [], warnings: loadClusterFile(file).warnings };
  } catch (error) {
    if (!(error instanceof ClusterFileError)) throw error;
    return { errors: error.problems, warnings: [] };
  }
}
