import { Command, Option } from "commander";
import { temporalPlace, type TemporalPlace } from "../../services/pipelines/connection.ts";

/** Options that every command that talks to Temporal has. */
export interface PlaceOptions {
  readonly address?: string;
  readonly namespace?: string;
  readonly taskQueue?: string;
}

export function withPlace(command: Command): Command {
  return command
    .addOption(
      new Option("--address <host:port>", "Temporal. Default: TEMPORAL_ADDRESS, else localhost:7233"),
    )
    .addOption(new Option("--namespace <name>", "Default: TEMPORAL_NAMESPACE, else default"))
    .addOption(new Option("--task-queue <name>", "Default: TEMPORAL_TASK_QUEUE, else orchestration"));
}

export function placeOf({ address, namespace, taskQueue }: PlaceOptions): TemporalPlace {
  return temporalPlace({
    ...(address !== undefined && { address }),
    ...(namespace !== undefined && { namespace }),
    ...(taskQueue !== undefined && { taskQueue }),
  });
}
