import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { lacks } from "../../required.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { TemporalStage } from "../../support/temporal.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

const MIB = 1024 * 1024;
const LIMIT = 32 * MIB;

interface Outcome {
  readonly id: string;
  readonly state: string;
  readonly result: Readonly<Record<string, unknown>>;
}

const lacking = await lacks("Temporal", "root");

describeUnless(lacking, "pipelines on bad days", () => {
  const stage = new TemporalStage({ TEMPORAL_LOG_FILE_MAX_BYTES: String(LIMIT) });
  let plans = 0;

  async function run(steps: readonly object[], more = {}): Promise<Record<string, Outcome>> {
    const file = join(stage.folder, `plan-${(plans += 1)}.yaml`);
    writeFileSync(file, stringify({ ...more, steps }));
    const said = await stage.run("run", file);
    const { steps: outcomes } = parse(said.stdout) as { steps: Outcome[] };
    return Object.fromEntries(outcomes.map((outcome) => [outcome.id, outcome]));
  }

  /** Most memory that a process ever had, in MiB. */
  const peak = (pid: number): number =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

  it("take a gigabyte of output, of lines and of none, with bounded memory and files", async () => {
    const worker = await stage.worker();
    await run([sh("warm", "seq 1 10000")]);
    const before = peak(worker.pid);
    const { lines, none } = await run([
      sh("lines", "yes 'a line of a program that talks a lot' | head -c 500000000; echo; echo the end of it"),
      sh("none", "head -c 500000000 /dev/zero >&2; printf 'the end of it' >&2"),
    ]);
    const after = peak(worker.pid);
    process.stdout.write(`a gigabyte of output: the worker's memory peaks at ${after.toFixed(0)} MiB, `);
    process.stdout.write(`${before.toFixed(0)} before; ${String(lines?.result.durationsec)} s\n`);
    expect([lines?.state, none?.state]).toEqual(["success", "success"]);
    expect(after - before).toBeLessThan(150);
    for (const { result } of [lines, none].flatMap((outcome) => outcome ?? [])) {
      for (const key of ["stdoutpath", "stderrpath", "structuredpath"])
        expect(statSync(String(result[key])).size).toBeLessThan(LIMIT + 4 * MIB);
      const structured = readFileSync(String(result.structuredpath), "utf8").trimEnd().split("\n");
      expect(structured.at(-1)).toContain("the end of it");
      expect(structured.filter((line) => line.includes("has reached its limit of 32 MiB"))).toHaveLength(1);
    }
    expect(readFileSync(String(lines?.result.stdoutpath), "utf8").slice(-14)).toBe("the end of it\n");
    await worker.kill();
  });

  it("go on when the disk of the logs is full, and say so", async () => {
    const small = join(stage.folder, "small");
    mkdirSync(small);
    // The small disk is there for the worker only.
    const mount = 'mount -t tmpfs -o size=256k tmpfs "$0"; exec "$@"';
    const worker = new Running(
      "unshare",
      ["--mount", "sh", "-c", mount, small, aiHowCommand, "pipeline", "worker"],
      { env: { TEMPORAL_ADDRESS: stage.address } },
    );
    await worker.until(/^working on/m);
    const { loud, next } = await run(
      [
        sh("loud", "seq 1 200000; echo done; echo warned >&2"),
        sh("next", "echo still here; exit 3", { depends_on: ["loud"], allow_failure: true }),
      ],
      { log_dir: small },
    );
    const notice = /\[the log is not whole: ENOSPC: no space left on device, \w+\]\n$/;
    expect(loud).toMatchObject({ state: "success", result: { exitcode: 0, stdouttruncated: true } });
    expect(loud?.result.stderr).toMatch(notice);
    expect(next).toMatchObject({ state: "failed", result: { exitcode: 3, stdout: "still here\n" } });
    expect(next?.result.stderr).toMatch(notice);
    expect(worker.output).toMatch(/^step loud of pipeline-\S+: the log is not whole: ENOSPC/m);
    await worker.kill();
  });
});
