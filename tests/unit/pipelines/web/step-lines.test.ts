import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { followLines, linesBefore, type NextPiece } from "../../../../services/pipelines/web/step-lines.ts";

const NAME = "w_r_s_structured.jsonl";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-lines-"));
});
afterAll(() => rm(folder, { recursive: true }));

const entry = (message: string): string =>
  `${JSON.stringify({ timestamp: "2026-11-25T10:00:00Z", stream: "stdout", message, partial: false })}\n`;
const entries = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => entry(`line ${from + index} äöü €`)).join("");
const messages = (pieces: readonly NextPiece[]): string[] =>
  pieces.flatMap(({ lines }) => lines.map(({ message }) => message));

/** All that comes of a step that is over. */
async function whole(from?: number): Promise<NextPiece[]> {
  const { signal } = new AbortController();
  const pieces: NextPiece[] = [];
  for await (const piece of followLines(folder, NAME, { from, isOver: () => Promise.resolve(true), signal }))
    pieces.push(piece);
  return pieces;
}

it("a long log begins near its end, at the beginning of a line; what is before comes piece by piece", async () => {
  await writeFile(join(folder, NAME), entries(0, 30_000));
  const pieces = await whole();
  const shown = messages(pieces);
  expect(shown.at(-1)).toBe("line 29999 äöü €");
  expect(shown.length).toBeGreaterThan(1000);
  expect(shown.length).toBeLessThan(10_000);
  let all = shown;
  for (let from = pieces[0]?.from ?? 0; from > 0;) {
    const before = await linesBefore(folder, NAME, from);
    if (before === undefined) throw new Error("the log is gone");
    all = [...before.lines.map(({ message }) => message), ...all];
    expect(before.from).toBeLessThan(from);
    from = before.from;
  }
  expect(all).toEqual(Array.from({ length: 30_000 }, (_, index) => `line ${index} äöü €`));
});

it("goes on where a connection broke", async () => {
  await writeFile(join(folder, NAME), entries(0, 10));
  const end = (await whole()).at(-1)?.end;
  await appendFile(join(folder, NAME), entries(10, 12));
  expect(messages(await whole(end))).toEqual(["line 10 äöü €", "line 11 äöü €"]);
});

it("comes as it is written, never half a line, and begins anew with another try", async () => {
  const file = join(folder, NAME);
  await writeFile(file, entry("one"));
  const abort = new AbortController();
  const { signal } = abort;
  const following = followLines(folder, NAME, {
    from: undefined,
    isOver: () => Promise.resolve(false),
    signal,
  });
  const next = async (): Promise<NextPiece> => {
    const result = await following.next();
    if (result.done === true) throw new Error("it ended");
    return result.value;
  };
  expect(await next()).toMatchObject({ isFresh: true, lines: [] });
  expect(messages([await next()])).toEqual(["one"]);
  const two = entry("two");
  await appendFile(file, two.slice(0, 20));
  const half = next();
  await appendFile(file, two.slice(20));
  expect(messages([await half])).toEqual(["two"]);
  const another = next();
  await writeFile(file, entry("1"));
  expect(await another).toMatchObject({ isFresh: true });
  expect(messages([await next()])).toEqual(["1"]);
  abort.abort();
});

it("whoever cannot keep up goes on at the end", async () => {
  await writeFile(join(folder, NAME), entries(0, 60_000));
  const pieces = await whole(0);
  expect(pieces[0]).toMatchObject({ isFresh: true });
  expect(pieces[0]?.from).toBeGreaterThan(1_000_000);
  expect(messages(pieces).at(-1)).toBe("line 59999 äöü €");
});
