import { Run } from "./run.ts";
import { supervise } from "./supervisor.ts";

// A run's supervisor. Its argument is the folder of the run's record; the command that starts it holds the run's lock.
const run = Run.read(process.argv[2] ?? "");
if (run !== undefined && run.outcome === undefined) await supervise(run);
