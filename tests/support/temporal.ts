import { createServer, type AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import type { temporal } from "@temporalio/proto";
import { afterAll, beforeAll } from "vitest";
import { aiHowCommand, Running, type CommandOptions, type Said } from "./command.ts";

/** A port that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A Temporal server of one file's tests, on loopback with a database of its own, and workers beside it. */
export class TemporalStage {
  folder = "";
  address = "";
  readonly #env: Readonly<Record<string, string>>;
  readonly #running = new Set<Running>();
  readonly #settings: readonly string[];
  #server: Running | undefined;
  #ports: readonly [number, number] = [0, 0];

  /**
   * Registers its own setting up and taking down with vitest: make it inside the `describe` that it is for.
   * @param env added to the environment of every command
   * @param settings Temporal's dynamic configuration, `KEY=VALUE` each
   */
  constructor(env: Readonly<Record<string, string>> = {}, settings: readonly string[] = []) {
    this.#env = env;
    this.#settings = settings;
    beforeAll(async () => {
      this.folder = await mkdtemp(join(tmpdir(), "ai-how-temporal-"));
      this.#ports = [await freePort(), await freePort()];
      this.address = `127.0.0.1:${this.#ports[0]}`;
      await this.startServer();
    });
    afterAll(async () => {
      await Promise.all([...this.#running].map((command) => command.kill()));
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  /** Starts the server, again on the same database after it was stopped, and waits until it answers. */
  async startServer(): Promise<void> {
    const [port, uiPort] = this.#ports.map(String);
    const args = [
      ...["--port", port ?? "", "--ui-port", uiPort ?? ""],
      ...["--db-filename", join(this.folder, "temporal.db"), "--"],
      ...this.#settings.flatMap((setting) => ["--dynamic-config-value", setting]),
    ];
    this.#server = this.start("dev-server", ...args);
    for (let tries = 0; ; tries++) {
      const connection = await Connection.connect({ address: this.address, connectTimeout: 500 }).catch(
        () => undefined,
      );
      if (connection !== undefined) {
        await connection.close();
        return;
      }
      if (tries > 60) throw new Error(`no Temporal server at ${this.address}`);
      await sleep(250);
    }
  }

  async killServer(): Promise<void> {
    await this.#server?.kill();
  }

  /** Starts `ai-how pipeline COMMAND ...`. */
  start(command: string, ...args: string[]): Running {
    return this.launch(["pipeline", command, ...args]);
  }

  launch(args: readonly string[], options: CommandOptions = {}): Running {
    const running = new Running(aiHowCommand, args, {
      ...options,
      env: { TEMPORAL_ADDRESS: this.address, TEMPORAL_LOG_DIR: this.logs, ...this.#env, ...options.env },
    });
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Runs `ai-how pipeline COMMAND ...` to its end. */
  run(command: string, ...args: string[]): Promise<Said> {
    return this.start(command, ...args).ended;
  }

  /** Starts a worker and waits until it works. */
  async worker(...args: string[]): Promise<Running> {
    const worker = this.start("worker", ...args);
    await worker.until(/^working on/m);
    return worker;
  }

  /** Milliseconds from scheduling an activity until a worker has it, for each activity of a workflow. */
  async activityWaits(workflowId: string): Promise<number[]> {
    const connection = await Connection.connect({ address: this.address });
    try {
      const { events } = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
      return (events ?? []).flatMap((event) => {
        const begun = event.activityTaskStartedEventAttributes?.scheduledEventId;
        const scheduled = (events ?? []).find(({ eventId }) => begun != null && eventId?.eq(begun) === true);
        return scheduled === undefined ? [] : [timeOf(event) - timeOf(scheduled)];
      });
    } finally {
      await connection.close();
    }
  }

  get logs(): string {
    return join(this.folder, "logs");
  }
}

function timeOf({ eventTime }: temporal.api.history.v1.IHistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
}
