import { join } from "node:path";
import { repository } from "./project.ts";

/** Python with Hugging Face's libraries, as tools/setup.sh --develop makes it. */
export const hubPython = join(repository, ".ai-how", "cache", "hub-python", "bin", "python");
