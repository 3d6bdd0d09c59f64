import { appendFileSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OutputLog } from "../../../services/jobs/output-log.ts";
import { jobPlace } from "../../../services/jobs/place.ts";
import { thisProcess } from "../../../services/jobs/process.ts";
import { Run } from "../../../services/jobs/run.ts";
import { lastLines } from "../../../services/jobs/tail.ts";

async function inRun<T>(logBytes: number, use: (run: Run) => T): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "ai-how-job-log-"));
  try {
    const place = { ...jobPlace("p", "j"), root };
    const run = await Run.begin(place, {
      ...{ version: 1, engine: { program: "docker", variables: {} }, container: "c", starter: thisProcess() },
      ...{ logBytes, logKeep: 1000, progressSeconds: 300 },
    });
    return use(run);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The log with the full files before it, the oldest first. */
function files(run: Run): Buffer[] {
  const number = (file: string): number => Number(file.split(".log.")[1] ?? 0);
  return globSync(`${run.files.log}*`)
    .sort((a, b) => number(b) - number(a))
    .map((file) => readFileSync(file));
}

/** What beginning another file comes to before it is on record. */
function shift({ files: { log } }: Run): void {
  for (let number = globSync(`${log}.*`).length; number >= 0; number--)
    renameSync(number === 0 ? log : `${log}.${number}`, `${log}.${number + 1}`);
}

const steps = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 100 }).map((text) => Buffer.from(text)),
    fc.constantFrom("copy", "killed", "killed before it is on record", "killed while it begins a file"),
  ),
  { maxLength: 60 },
);

test("whatever is printed, and whenever its copier is killed, every byte is in the log once", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 300 }), async (all, logBytes) => {
      await inRun(logBytes, (run) => {
        const printed: Buffer[] = [];
        appendFileSync(run.files.spool, "");
        let log = new OutputLog(run);
        for (const step of all) {
          if (typeof step !== "string") {
            printed.push(step);
            appendFileSync(run.files.spool, step);
          } else if (step === "copy") log.copy();
          else {
            if (step === "killed while it begins a file") {
              log.close();
              shift(run);
            }
            if (step === "killed before it is on record") log.copy();
            log = new OutputLog(run);
          }
        }
        log.copy();
        log.close();
        const whole = Buffer.concat(printed);
        expect(Buffer.concat(files(run)).equals(whole)).toBe(true);
        const lines = whole.toString("latin1").split(/(?<=\n)/);
        const shown = lastLines(run.files.log, 5).text.toString("latin1");
        expect(shown).toBe(lines.slice(-5).join(""));
      });
    }),
    { numRuns: 200 },
  );
});

test("files are begun anew at line ends, and only so many are kept", async () => {
  await inRun(100, (run) => {
    const text = Array.from({ length: 100 }, (_, i) => `this is line ${i}\n`).join("");
    appendFileSync(run.files.spool, text);
    const log = new OutputLog(run);
    log.copy();
    log.close();
    const parts = files(run).map(String);
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.slice(0, -1).every((part) => part.endsWith("\n"))).toBe(true);
    expect(parts.join("")).toBe(text);
  });
});

test("an outcome is written once, and the files say what it is", async () => {
  await inRun(100, (run) => {
    expect(run.conclude({ state: "STOPPED", exitCode: 143 }).state).toBe("STOPPED");
    expect(run.conclude({ state: "DONE", exitCode: 0 }).state).toBe("STOPPED");
    run.report("PROGRESS");
    const events = readFileSync(run.files.events, "utf8").trimEnd().split("\n");
    expect(events.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["stopped"]);
  });
});
