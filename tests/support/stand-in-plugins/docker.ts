import { runPlugin } from "../../../providers/framework/server.ts";
import { docker } from "./docker/provider.ts";

// Pulumi starts a plugin in the project's folder.
await runPlugin(docker(process.cwd()));
