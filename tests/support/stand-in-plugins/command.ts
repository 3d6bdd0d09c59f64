import { command } from "../../../engine/in-process/command.ts";
import { runPlugin } from "../../../providers/framework/server.ts";

// Pulumi starts a plugin in the project's folder.
await runPlugin(command(process.cwd()));
