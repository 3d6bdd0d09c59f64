import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fileDigest } from "../../../providers/framework/file-digest.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-digest-"));
});
afterEach(() => rm(folder, { recursive: true }));

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

it("is that of the file's content, also when the same length was written a moment later", async () => {
  const [file, memory] = [join(folder, "image"), join(folder, "memory")];
  await writeFile(file, "one");
  expect(await fileDigest(file, memory)).toBe(sha256("one"));
  await writeFile(file, "two");
  expect(await fileDigest(file, memory)).toBe(sha256("two"));
});

it("is remembered while the file is the same", async () => {
  const [file, memory] = [join(folder, "image"), join(folder, "memory")];
  await writeFile(file, "one");
  await fileDigest(file, memory);
  const [name = ""] = await readdir(memory);
  const kept = join(memory, name);
  const { of } = JSON.parse(await readFile(kept, "utf8")) as { of: string };
  await writeFile(kept, JSON.stringify({ of, digest: "remembered" }));
  expect(await fileDigest(file, memory)).toBe("remembered");
  await writeFile(kept, "{ cut short");
  expect(await fileDigest(file, memory)).toBe(sha256("one"));
});
