import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { GO_QUEUE, goPlan, startGoWorker } from "../../../bench/go-worker.ts";
import { TemporalBench } from "../../../bench/temporal.ts";
import { repository } from "../../support/project.ts";
import { describeUnless } from "../../support/where.ts";

describeUnless(await lacks("Temporal"), "a Go worker beside ours in the benchmark", () => {
  it("gets Temporal by its environment, and plans in the form of the old payload", async () => {
    const temporal = await TemporalBench.start();
    try {
      const { pid } = await startGoWorker(temporal, join(repository, "tests/support/fake-go-worker"));
      expect(await temporal.perform("Pipeline", GO_QUEUE, goPlan("deep", 3, temporal.logs))).toBeGreaterThan(
        0,
      );
      const noted = await readFile(join(temporal.logs, "steps-of-the-stand-in"), "utf8");
      expect(noted.split("\n")).toEqual([
        "s0 command true",
        "s0 command true",
        "s1 command true s0",
        "s2 command true s1",
        "",
      ]);
      expect(pid).toBeGreaterThan(0);
    } finally {
      await temporal.end();
    }
  }, 120_000);
});
