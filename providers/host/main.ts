import { runPlugin } from "../framework/server.ts";
import { host } from "./provider.ts";
import { removeSandbox } from "./sandbox.ts";

// The one command for people: what is left of a sandbox whose project is gone.
const [command, name] = process.argv.slice(2);
if (command === "remove-sandbox" && name !== undefined) await removeSandbox(name);
else await runPlugin(host);
