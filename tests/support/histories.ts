import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { temporal } from "@temporalio/proto";
import { repository } from "./project.ts";

/** Recorded runs of the real workflow on a real server, as `temporal workflow show --output json` has them. */
export const historiesFolder = join(repository, "tests/fixtures/histories");

/** Names of all that are recorded. */
export function historyNames(): string[] {
  return readdirSync(historiesFolder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => basename(name, ".json"));
}

/** A recorded history. The SDK's `historyFromJSON` fails where protobufjs is installed more than once. */
export function readHistory(name: string): temporal.api.history.v1.History {
  const text = readFileSync(join(historiesFolder, `${name}.json`), "utf8");
  return temporal.api.history.v1.History.fromObject(JSON.parse(text, times) as object);
}

/** Times and durations as messages have them. */
function times(_key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^\d+(\.\d+)?s$/.test(value)) return { seconds: Number.parseFloat(value) };
  if (!/^\d{4}-\d\d-\d\dT/.test(value)) return value;
  const milliseconds = Date.parse(value);
  return { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1_000_000 };
}
