import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { lacks } from "../../required.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { processes } from "../../support/processes.ts";
import { freePort, TemporalStage } from "../../support/temporal.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

describeUnless(await lacks("Temporal"), "Temporal's development server", () => {
  const stage = new TemporalStage();

  it("keeps its database in the user's folder where there is no project", async () => {
    const state = join(stage.folder, "state");
    const ports = ["--port", String(await freePort()), "--ui-port", String(await freePort())];
    const command = ["-C", stage.folder, aiHowCommand, "pipeline", "dev-server", ...ports];
    const server = new Running("env", command, { env: { XDG_STATE_HOME: state } });
    await expect.poll(() => existsSync(join(state, "ai-how", "temporal.db")), { timeout: 20_000 }).toBe(true);
    await server.kill();
  });

  it("gives a worker each step with the reply to its workflow task", async () => {
    const chain = Array.from({ length: 12 }, (_, index) =>
      sh(`s${index}`, "true", { depends_on: index === 0 ? [] : [`s${index - 1}`] }),
    );
    const file = join(stage.folder, "chain.yaml");
    await writeFile(file, stringify({ steps: chain }));
    await stage.worker();
    const ended = await stage.run("run", file, "--workflow-id", "chain");
    expect(ended.exitCode, ended.output).toBe(0);
    // Scheduled and started in one transaction; a step that goes through the matching service starts some milliseconds later.
    const waits = await stage.activityWaits("chain");
    expect(waits).toHaveLength(12);
    expect(waits.filter((milliseconds) => milliseconds < 1).length).toBeGreaterThan(6);
  });

  it("is gone when the command that was told to end has ended", async () => {
    const database = join(stage.folder, "other.db");
    const ports = ["--port", String(await freePort()), "--ui-port", String(await freePort())];
    const server = stage.start("dev-server", ...ports, "--db-filename", database);
    const servers = (): number =>
      processes().filter(({ arguments: args }) => args.includes("start-dev") && args.includes(database))
        .length;
    await expect.poll(() => existsSync(database), { timeout: 20_000 }).toBe(true);
    expect(servers()).toBe(1);
    process.kill(server.pid, "SIGTERM");
    await server.ended;
    expect(servers()).toBe(0);
  });
});
