import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";

/** Where logs go when their folder cannot be used. */
export const FALLBACK_DIRECTORY = "/tmp/temporal-logs";
export const EVENTS_FILE = "events.jsonl";

/** Which step of which run a log belongs to. */
export interface LogOwner {
  readonly workflowId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly stepName: string;
}

/** The folder for logs, made when it is not there; another one where it cannot be written to. */
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

/** `<workflow>_<run>_<step>`, what a step's files begin with: no part of it leads out of the folder. */
export function logPrefix({ workflowId, runId, stepId }: LogOwner): string {
  return [workflowId, runId, stepId].map((part) => part.trim().replaceAll(/[/\\ ]/g, "_")).join("_");
}
