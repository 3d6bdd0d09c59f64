import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { processes } from "../../support/processes.ts";
import { freePort, TemporalStage } from "../../support/temporal.ts";
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
