import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../../providers/host/image/lock.ts";
import { Running } from "../../support/command.ts";
import { processes } from "../../support/processes.ts";
import { repository } from "../../support/project.ts";

let directory: string;
let file: string;
let said: string[];
let cancel: AbortController;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ai-how-test-lock-"));
  file = join(directory, "packages", "bookworm.lock");
  said = [];
  cancel = new AbortController();
});

afterEach(async () => {
  expect(processes().filter(({ arguments: args }) => args.includes(file))).toEqual([]);
  await rm(directory, { recursive: true });
});

const waiting = () => ({ log: (line: string) => void said.push(line), signal: cancel.signal });

/** An action that holds the lock until it is ended. */
async function takeTurn(): Promise<{ end: () => Promise<void> }> {
  const { promise: until, resolve: end } = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  const held = withLock(file, waiting(), () => {
    begun.resolve(undefined);
    return until;
  });
  await begun.promise;
  return {
    end: async () => {
      end(undefined);
      await held;
    },
  };
}

test("the second waits, says so once, and comes when the first is done", async () => {
  const first = await takeTurn();
  expect(said).toEqual([]);
  let hasBegun = false;
  const second = withLock(file, waiting(), () => {
    hasBegun = true;
    return Promise.resolve("done");
  });
  await expect.poll(() => said).toEqual([`waiting: another build has ${file}`]);
  await sleep(200);
  expect(hasBegun).toBe(false);
  await first.end();
  expect(await second).toBe("done");
});

test("a failed action releases the lock, and another file is another lock", async () => {
  const other = await takeTurn();
  file = join(directory, "packages", "noble.lock");
  const failing = withLock(file, waiting(), () => Promise.reject(new Error("no space")));
  await expect(failing).rejects.toThrow("no space");
  expect(await withLock(file, waiting(), () => Promise.resolve("done"))).toBe("done");
  expect(said).toEqual([]);
  await other.end();
});

test("who waits can be cancelled, and does nothing then", async () => {
  const first = await takeTurn();
  let hasBegun = false;
  const second = withLock(file, waiting(), () => {
    hasBegun = true;
    return Promise.resolve();
  });
  await expect.poll(() => said).toHaveLength(1);
  cancel.abort();
  await expect(second).rejects.toThrow("building the image was cancelled");
  await first.end();
  expect(hasBegun).toBe(false);
});

test("a killed process releases its lock", async () => {
  const module = join(repository, "providers", "host", "image", "lock.ts");
  const program = `
    import { writeFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(module)};
    const waiting = { log() {}, signal: new AbortController().signal };
    setInterval(() => {}, 1000);
    await withLock(${JSON.stringify(file)}, waiting, () => {
      writeFileSync(${JSON.stringify(`${file}.begun`)}, "");
      return new Promise(() => {});
    });`;
  const holder = new Running(process.execPath, ["--input-type=module-typescript", "--eval", program]);
  await expect.poll(() => existsSync(`${file}.begun`), { timeout: 10_000 }).toBe(true);
  await holder.kill();
  expect(await withLock(file, waiting(), () => Promise.resolve("done"))).toBe("done");
});
