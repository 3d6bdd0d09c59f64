import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import { suggestion } from "../../config/suggest.ts";
import { IMAGE_FOLDER } from "./image.ts";

const ENDING = ".sh";

/** Names of the entrypoints in our images. */
export function entrypoints(): string[] {
  return readdirSync(join(IMAGE_FOLDER, "entrypoints"))
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
}

/**
 * The name of an entrypoint, from a name with or without `.sh`, as launch_container.sh took it.
 * @throws UserError if there is none of this name
 */
export function parseEntrypoint(text: string): string {
  const name = text.endsWith(ENDING) ? text.slice(0, -ENDING.length) : text;
  const known = entrypoints();
  if (known.includes(name)) return name;
  throw new UserError(`--entrypoint: there is no ${name}: ${suggestion(name, known)}`, { exitCode: 2 });
}

/** Path of an entrypoint in our images. */
export function entrypointPath(name: string): string {
  return `/opt/ai-how/entrypoints/${name}${ENDING}`;
}
