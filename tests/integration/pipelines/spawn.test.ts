import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { spawnBeside, type Spawned } from "../../../services/pipelines/activities/spawn.ts";

const start = (script: string, env: Readonly<Record<string, string>> = {}): Promise<Spawned> =>
  spawnBeside({ program: "sh", args: ["-c", script], env: { PATH: process.env.PATH, ...env }, cwd: "/" });

async function outcome({ stdout, stderr, closed }: Spawned): Promise<unknown> {
  const [out, error, exit] = await Promise.all([text(stdout), text(stderr), closed]);
  return { out, error, exit };
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
}

it("says what a program prints, in its folder and with its environment, and how it ends", async () => {
  expect(await outcome(await start('echo "$WORD in $PWD"; echo bad >&2; exit 3', { WORD: "a\nb" }))).toEqual({
    out: "a\nb in /\n",
    error: "bad\n",
    exit: [3, null],
  });
  expect(await outcome(await start("kill -9 $$"))).toEqual({ out: "", error: "", exit: [null, "SIGKILL"] });
});

it("mixes up nothing of a hundred programs at once", async () => {
  const all = Array.from({ length: 100 }, (_, index) => index);
  const outcomes = await Promise.all(
    all.map(async (index) => outcome(await start(`echo ${index}; echo -${index} >&2; exit ${index}`))),
  );
  expect(outcomes).toEqual(
    all.map((index) => ({ out: `${index}\n`, error: `-${index}\n`, exit: [index, null] })),
  );
});

it("waits for whoever else has the program's output", async () => {
  expect(await outcome(await start("(sleep 0.3; echo late) & echo soon"))).toEqual({
    out: "soon\nlate\n",
    error: "",
    exit: [0, null],
  });
});

it("gives a program a process group of its own and a small parent", async () => {
  const program = await start("sleep 60");
  try {
    const stat = await readFile(`/proc/${program.pid}/stat`, "utf8");
    expect(stat.slice(stat.lastIndexOf(")")).split(" ")[3]).toBe(String(program.pid));
    expect(await parentOf(program.pid)).not.toBe(process.pid);
  } finally {
    process.kill(-program.pid, "SIGKILL");
    await outcome(program);
  }
});

it.each([
  ["does not exist", { program: "no-such-program", args: [] }, "spawn no-such-program ENOENT"],
  ["has more arguments than fit", { program: "true", args: ["x".repeat(300_000)] }, "spawn E2BIG"],
])("says why a program cannot be started that %s", async (_, { program, args }, message) => {
  await expect(spawnBeside({ program, args, env: process.env, cwd: undefined })).rejects.toThrow(message);
});

it("says so where the process between was killed, ends what that had started, and goes on with another", async () => {
  const program = await spawnBeside({
    program: "setpriv",
    args: ["--pdeathsig", "KILL", "--", "sh", "-c", "echo ready; exec sleep 60"],
    env: process.env,
    cwd: undefined,
  });
  await firstOf(program.stdout);
  process.kill(await parentOf(program.pid), "SIGKILL");
  await expect(program.closed).rejects.toThrow("the process that starts programs for this worker has ended");
  await expect
    .poll(() => readFile(`/proc/${program.pid}/cmdline`, "utf8").catch(() => "gone"))
    .toMatch(/^(gone)?$/);
  expect(await outcome(await start("echo again"))).toMatchObject({ out: "again\n" });
});

async function firstOf(stream: Readable): Promise<void> {
  await new Promise((resolve) => stream.once("data", resolve));
}
