import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";

const MEMORY = resolve(import.meta.dirname, "../..", ".ai-how/cache/digests");

const memorySchema = z.object({ of: z.string(), digest: z.string() });

/**
 * SHA-256 of a file in hexadecimal digits. Reading an image of gigabytes takes a while, so the answer is kept until the file's size,
 * time or inode is another.
 */
export async function fileDigest(file: string, memory = MEMORY): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  const of = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  const kept = join(memory, `${createHash("sha256").update(resolve(file)).digest("hex")}.json`);
  const remembered = await recall(kept);
  if (remembered?.of === of) return remembered.digest;
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1024 ** 2 }), hash);
  const digest = hash.digest("hex");
  await mkdir(dirname(kept), { recursive: true });
  await writeFileAtomic(kept, `${JSON.stringify({ of, digest })}\n`);
  return digest;
}

async function recall(file: string): Promise<z.output<typeof memorySchema> | undefined> {
  const text = await readFile(file, "utf8").catch(() => "null");
  try {
    return memorySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not ours any more: it is written anew
  }
}
