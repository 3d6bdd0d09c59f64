import { resolve } from "node:path";

/** The folder of this repository. */
export const checkout = resolve(import.meta.dirname, "..");
