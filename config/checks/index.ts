import type { Problem } from "../problem.ts";
import type { HostBudgetConfig } from "../schema/cluster-file.ts";
import { addressProblems } from "./addresses.ts";
import { budgetProblems } from "./budget.ts";
import { deviceProblems, deviceWarnings } from "./devices.ts";
import { machineProblems } from "./machines.ts";
import { nameProblems } from "./names.ts";
import { slurmProblems } from "./slurm.ts";
import { storageProblems } from "./storage.ts";
import type { Survey } from "./survey.ts";
import { workshopProblems } from "./workshop.ts";

/** Problems and warnings that come from comparing parts of a file. `hostBudget` is the budget of a file without `host`. */
export function crossChecks(
  survey: Survey,
  hostBudget: HostBudgetConfig | undefined,
): { readonly problems: Problem[]; readonly warnings: Problem[] } {
  const problems = [
    ...machineProblems(survey),
    ...nameProblems(survey),
    ...addressProblems(survey),
    ...deviceProblems(survey),
    ...slurmProblems(survey),
    ...storageProblems(survey),
    ...budgetProblems(survey, hostBudget),
    ...workshopProblems(survey),
  ];
  return { problems: distinct(problems), warnings: distinct(deviceWarnings(survey)) };
}

/** Removes duplicates: all VMs of a group have the same path and report the same problems. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.path}: ${problem.message}`, problem])).values()];
}
