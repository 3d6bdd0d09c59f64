import { Run } from "./run.ts";
import { supervise } from "./supervisor.ts";

// A supervisor: its only argument is the folder of the run's record, and who starts it holds the run's lock for it.
const run = Run.read(process.argv[2] ?? "");
if (run !== undefined && run.outcome === undefined) await supervise(run);
