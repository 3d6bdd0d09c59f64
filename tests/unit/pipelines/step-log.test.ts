import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logPrefix } from "../../../services/pipelines/logs/paths.ts";
import { readEvents } from "../../../services/pipelines/logs/read.ts";
import { Redactor } from "../../../services/pipelines/logs/redactor.ts";
import { StepLog } from "../../../services/pipelines/logs/step-log.ts";

const KIB = 1024;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ai-how-step-log-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const owner = (stepId: string) => ({ workflowId: "w", runId: "r", stepId, stepName: stepId });
const open = (stepId: string, file = 64 * KIB): StepLog =>
  new StepLog(owner(stepId), folder, { head: 100, file });
const from = (...chunks: (string | Buffer)[]): Readable =>
  Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

function entries({ paths }: StepLog): { message: string; partial: boolean; stream: string }[] {
  const lines = readFileSync(paths.structuredPath, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as { message: string; partial: boolean; stream: string });
}

describe("a step's log", () => {
  it("has lines whole, also those that came in pieces, and says which has no end", async () => {
    const log = open("pieces");
    const euro = Buffer.from("€");
    const head = await log.copy(
      "stdout",
      from("on", "e\ntw", euro.subarray(0, 1), euro.subarray(1), "o\nthree"),
    );
    await log.close();
    expect(head).toEqual({ text: "one\ntw€o\nthree", isCut: false });
    expect(entries(log).map(({ message, partial }) => [message, partial])).toEqual([
      ["one", false],
      ["tw€o", false],
      ["three", true],
    ]);
    expect(log.lastLine).toBe("three");
  });

  it("takes no more than its limit and keeps the end of what came later", async () => {
    const log = open("long");
    const chunks = Array.from({ length: 400 }, (_, chunk) =>
      Array.from({ length: 200 }, (_, line) => `line ${chunk * 200 + line}\n`).join(""),
    );
    const head = await log.copy("stdout", from(...chunks));
    await log.close();
    expect(head.isCut).toBe(true);
    const raw = readFileSync(log.paths.stdoutPath, "utf8");
    const notice = "[the log has reached its limit of 0 MiB: from here on only its end is kept]";
    expect(raw.length).toBeLessThan(64 * 3 * KIB);
    expect(raw.startsWith("line 0\nline 1\n")).toBe(true);
    expect(raw).toContain(`\n${notice}\n`);
    expect(raw.endsWith("line 79998\nline 79999\n")).toBe(true);
    const found = entries(log);
    expect(found[0]?.message).toBe("line 0");
    expect(found.filter(({ message }) => message === notice)).toHaveLength(1);
    expect(found.at(-1)?.message).toBe("line 79999");
    // A line of JSON is some thirty times as long as these.
    expect(statSync(log.paths.structuredPath).size).toBeLessThan(64 * 40 * KIB);
  });

  it("takes a line without an end, and bytes that are no text", async () => {
    const log = open("endless", 1024 * KIB);
    // No byte is an end of line.
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => 128 + (index % 128)));
    await log.copy("stdout", from(bytes, bytes, bytes));
    await log.close();
    expect(readFileSync(log.paths.stdoutPath)).toEqual(Buffer.concat([bytes, bytes, bytes]));
    expect(entries(log).every(({ partial }) => partial)).toBe(true);
    expect(Math.max(...entries(log).map(({ message }) => message.length))).toBeLessThan(256 * KIB);
  });

  it("goes on where the disk is full, and says that it is not whole", async () => {
    const prefix = join(folder, logPrefix(owner("full")));
    symlinkSync("/dev/full", `${prefix}_stdout.log`);
    const log = open("full");
    const head = await log.copy("stdout", from("one\n", "two\n"));
    await log.close();
    expect(head.text).toBe("one\ntwo\n");
    expect(log.failure?.message).toBe("ENOSPC: no space left on device, write");
    expect(entries(log).map(({ message }) => message)).toEqual(["one", "two"]);
  });

  it("goes on where its list of events cannot be written", async () => {
    const elsewhere = join(folder, "no-events");
    mkdirSync(elsewhere);
    symlinkSync("/dev/full", join(elsewhere, "events.jsonl"));
    const log = new StepLog(owner("a"), elsewhere, { head: 1, file: 1 });
    await log.event("step_started", {});
    expect(log.failure?.message).toContain("ENOSPC");
    await log.close();
  });

  it("begins an event on a line of its own after one that a full disk has cut", async () => {
    const log = open("events");
    await log.event("step_started", { message: "first" });
    appendFileSync(join(folder, "events.jsonl"), '{"timestamp":"2026-');
    await log.event("step_finished", { message: "second" });
    await log.close();
    expect((await readEvents(folder)).map(({ message }) => message)).toEqual(["first", "second"]);
  });
});

describe("a text that must not be shown", () => {
  it("is hidden wherever the stream is cut", () => {
    const secret = "hf_abab";
    const text = fc.array(fc.constantFrom("hf_abab", "hf_", "ab", "h", "x\n"), { maxLength: 12 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (parts, cuts) => {
        const whole = parts.join("");
        const redactor = new Redactor([secret]);
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const shown = places.slice(1).map((end, index) => redactor.push(whole.slice(places[index], end)));
        expect(shown.join("") + redactor.end()).toBe(whole.replaceAll(secret, "[secret]"));
      }),
    );
  });

  it("does not hold up what has nothing to do with it", () => {
    expect(new Redactor(["hf_secret"]).push("all of this\n")).toBe("all of this\n");
  });
});
