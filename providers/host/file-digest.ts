import { stat } from "node:fs/promises";
import { fileDigest } from "../framework/file-digest.ts";
import type { InvokeType } from "../framework/resource.ts";
import { z } from "zod";

/** `host:index:fileDigest`: SHA-256 of a file of this host, in hexadecimal digits; empty where there is no such file. */
export const fileDigestOf: InvokeType<unknown, Record<string, unknown>, Record<string, unknown>> = {
  token: "host:index:fileDigest",
  args: { path: z.string().regex(/^\//, "must be an absolute path") },
  async call({ path }, { log }) {
    const file = String(path);
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) return { digest: "" };
    if (found.size > LARGE) log(`reading ${file} to see whether it has changed`);
    return { digest: await fileDigest(file) };
  },
};

// A file of this size takes seconds to read.
const LARGE = 2 * 1024 ** 3;
