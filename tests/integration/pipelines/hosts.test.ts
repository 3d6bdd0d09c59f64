import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { lacks } from "../../required.ts";
import { readEvents } from "../../../services/pipelines/logs/read.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { HostNetwork } from "../../support/namespaces.ts";
import { processes } from "../../support/processes.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

interface Outcome {
  readonly id: string;
  readonly state: string;
  readonly result: { readonly stdout: string };
}

const lacking = await lacks("Temporal", "root");

describeUnless(lacking, "pipelines on workers of several hosts", () => {
  const network = new HostNetwork();
  const folder = mkdtempSync(join(tmpdir(), "ai-how-hosts-"));
  const running = new Set<Running>();
  let address = "";
  let plans = 0;

  /** Starts `ai-how pipeline` on a host. */
  function start(host: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const [program = "", ...rest] = network.on(host);
    const command = new Running(program, [...rest, aiHowCommand, "pipeline", ...args], {
      env: { TEMPORAL_ADDRESS: address, ...env },
    });
    running.add(command);
    void command.ended.then(() => running.delete(command));
    return command;
  }

  async function work(host: string, hold: string, ...args: string[]): Promise<void> {
    const env = { TEMPORAL_LOG_DIR: join(folder, host), HOLD: hold };
    await start(host, ["worker", "--steps", "2", ...args], env).until(/^working on/m);
  }

  beforeAll(async () => {
    address = `${network.add("server")}:7233`;
    for (const host of ["left", "right"]) network.add(host);
    const [ip = ""] = address.split(":");
    start("server", ["dev-server", "--ip", ip, "--db-filename", join(folder, "temporal.db")]);
    for (
      let tries = 0;
      (await start("server", ["status", "x"]).ended).output.includes("nobody answers");
      tries++
    )
      if (tries > 30) throw new Error(`no Temporal server at ${address}`);
    await Promise.all([work("left", "7601"), work("right", "1"), work("right", "1", "--task-queue", "gpu")]);
  });

  afterAll(async () => {
    await Promise.all([...running].map((command) => command.kill()));
    network.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a plan from the server's host. */
  function run(steps: readonly object[]): Running {
    const file = join(folder, `plan-${(plans += 1)}.yaml`);
    writeFileSync(file, stringify({ steps }));
    return start("server", ["run", file]);
  }

  /** What each step of a plan that is over has printed. */
  async function printed(command: Running): Promise<string[]> {
    const { stdout, exitCode, output } = await command.ended;
    expect(exitCode, output).toBe(0);
    return (parse(stdout) as { steps: Outcome[] }).steps.map(({ result }) => result.stdout.trim());
  }

  const several = (count: number, script: string): object[] =>
    Array.from({ length: count }, (_, index) => sh(`s${index}`, script, { retry: { initial_seconds: 0.1 } }));

  it("are spread over the hosts, and a step with a queue goes where that is", async () => {
    const hosts = await printed(
      run([
        ...several(6, "hostname; sleep 1"),
        sh("a", "hostname", { queue: "gpu" }),
        sh("b", "hostname", { queue: "gpu" }),
      ]),
    );
    expect(hosts.slice(0, 6).filter((host) => host === "left").length).toBeGreaterThanOrEqual(2);
    expect(hosts.slice(0, 6).filter((host) => host === "right").length).toBeGreaterThanOrEqual(2);
    expect(hosts.slice(6)).toEqual(["right", "right"]);
  });

  it("are finished by the other host when one is cut off, which ends its steps before they begin elsewhere", async () => {
    const held = (): number =>
      processes().filter(({ arguments: args }) => args.join(" ") === "sleep 7601").length;
    const pipeline = run(several(4, "sleep $HOLD; hostname"));
    await expect.poll(held, { timeout: 20_000 }).toBe(2);
    network.cable("left", "down");
    await expect.poll(held, { timeout: 30_000, interval: 200 }).toBe(0);
    const ended = new Date().toISOString();
    expect(await printed(pipeline)).toEqual(["right", "right", "right", "right"]);
    const again = (await readEvents(join(folder, "right"))).filter(({ message }) =>
      /\(attempt \d\)/.test(message),
    );
    expect(again).toHaveLength(2);
    for (const { timestamp } of again) expect(timestamp > ended).toBe(true);
  });

  it("are shared again once the host is back", async () => {
    network.cable("left", "up");
    await expect
      .poll(async () => new Set(await printed(run(several(4, "hostname; sleep 1")))).size, {
        timeout: 60_000,
      })
      .toBe(2);
  });
});
