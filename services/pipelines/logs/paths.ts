import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";

/** The folder for logs if the requested one cannot be used. */
export const FALLBACK_DIRECTORY = "/tmp/temporal-logs";
export const EVENTS_FILE = "events.jsonl";

/** The step and run that a log belongs to. */
export interface LogOwner {
  readonly workflowId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly stepName: string;
}

/** The folder for logs. Makes a missing one; returns another one if it is not writable. */
export function logDirectory(wanted: string | undefined): string {
  const directory = resolve(wanted ?? process.env.TEMPORAL_LOG_DIR ?? "logs");
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return directory;
  } catch {
    mkdirSync(FALLBACK_DIRECTORY, { recursive: true });
    return FALLBACK_DIRECTORY;
  }
}

/** Prefix of a step's files, `<workflow>_<run>_<step>`, without characters that could lead out of the folder. */
export function logPrefix({ workflowId, runId, stepId }: LogOwner): string {
  return [workflowId, runId, stepId].map((part) => part.trim().replaceAll(/[/\\ ]/g, "_")).join("_");
}
