import { join } from "node:path";
import { existsSync } from "node:fs";
import { repository } from "./project.ts";

/** Python with Hugging Face's libraries, as tools/setup.sh --develop makes it. */
export const hubPython = join(repository, ".ai-how", "cache", "hub-python", "bin", "python");

/** Why there are no such libraries here; undefined where there are. */
export function hubLacks(): string | undefined {
  return existsSync(hubPython)
    ? undefined
    : "huggingface_hub and datasets are not there: tools/setup.sh --develop brings them";
}
