import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";

// Before each file of tests that run beside others: it, and every program that it starts, have a folder for temporary files
// of their own, so that what one file leaves behind is not found by another. The name is short, for the sockets in it.
const folder = mkdtempSync(join(tmpdir(), "t-"));
// As the folder that it stands for: tests run programs as other users, too.
chmodSync(folder, 0o1777);
process.env.TMPDIR = folder;
delete process.env.XDG_RUNTIME_DIR;
// What bin/ai-how does for what it starts, for tests that start programs themselves.
process.env.NODE_COMPILE_CACHE ??= resolve(import.meta.dirname, "../../.ai-how/cache/compile");

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
