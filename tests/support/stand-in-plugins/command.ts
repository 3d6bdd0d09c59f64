import { commandHandler, inputSchema } from "../../../engine/in-process/handlers/command.ts";
import type { Last } from "../../../engine/in-process/handler.ts";
import type { Values } from "../../../engine/in-process/values.ts";
import type { AnyResourceType } from "../../../providers/framework/resource.ts";
import { runPlugin } from "../../../providers/framework/server.ts";

// Pulumi starts a plugin in the project's folder.
const handler = commandHandler(process.cwd());

/**
 * `command:local:Command` by the handler of the in-process engine. Unlike with Pulumi's own plugin, what a command prints is
 * not secret where one of its inputs is.
 */
const type: AnyResourceType<object> = {
  token: "command:local:Command",
  inputs: inputSchema,
  changes: Object.fromEntries(
    Object.keys(inputSchema).map((key) => [key, key === "triggers" ? "replace" : "update"]),
  ),
  deleteBeforeReplace: false,
  volatile: ["stdout", "stderr"],
  identify: () => "",
  create: (inputs, context) => handler.create(inputs as Values, context),
  read: (id, last, context) => handler.read(id, last as Last | undefined, context),
  update: (id, was, inputs, context) => handler.update(id, was as Last, inputs as Values, context),
  delete: (id, last, context) => handler.delete(id, last as Last, context),
};

await runPlugin({ name: "command", version: "1.2.1", config: {}, resources: [type], invokes: [] });
