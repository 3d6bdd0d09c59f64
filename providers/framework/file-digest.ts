import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";

const CACHE = resolve(import.meta.dirname, "../..", ".ai-how/cache/digests");

const cacheSchema = z.object({ of: z.string(), digest: z.string() });

/**
 * SHA-256 of a file in hexadecimal digits. Reading an image of gigabytes takes seconds, so the digest is cached until the file's
 * size, times or inode change.
 */
export async function fileDigest(file: string, cache = CACHE): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  const of = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  const entry = join(cache, `${createHash("sha256").update(resolve(file)).digest("hex")}.json`);
  const cached = await readCache(entry);
  if (cached?.of === of) return cached.digest;
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1024 ** 2 }), hash);
  const digest = hash.digest("hex");
  await mkdir(dirname(entry), { recursive: true });
  await writeFileAtomic(entry, `${JSON.stringify({ of, digest })}\n`);
  return digest;
}

async function readCache(file: string): Promise<z.output<typeof cacheSchema> | undefined> {
  const text = await readFile(file, "utf8").catch(() => "null");
  try {
    return cacheSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // damaged: it is computed again
  }
}
