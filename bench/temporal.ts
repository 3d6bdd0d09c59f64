import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import { checkout } from "./checkout.ts";
import { dataConverter } from "../services/pipelines/codec.ts";

export const QUEUE = "bench";

/** A program that runs beside a benchmark. */
export interface Beside {
  readonly pid: number;
  /** The line that it printed when it was ready. */
  readonly line: string;
}

/** A benchmark's own Temporal and its workers. `end` stops all of them. */
export class TemporalBench {
  readonly folder: string;
  readonly address: string;
  readonly client: Client;
  readonly #children: ChildProcess[];
  #runs = 0;

  private constructor(folder: string, address: string, client: Client, children: ChildProcess[]) {
    this.folder = folder;
    this.address = address;
    this.client = client;
    this.#children = children;
  }

  static async start(): Promise<TemporalBench> {
    const folder = await mkdtemp(join(tmpdir(), "ai-how-bench-temporal-"));
    const [port, uiPort] = [await freePort(), await freePort()];
    const address = `127.0.0.1:${port}`;
    const args = ["--port", String(port), "--ui-port", String(uiPort), "--db-filename", join(folder, "db")];
    const server = spawn(join(checkout, "bin/ai-how"), ["pipeline", "dev-server", ...args], {
      stdio: "ignore",
    });
    for (let tries = 0; ; tries += 1) {
      const connection = await Connection.connect({ address, connectTimeout: 500 }).catch(() => undefined);
      if (connection !== undefined)
        return new TemporalBench(folder, address, new Client({ connection, dataConverter }), [server]);
      if (tries > 60)
        throw new Error("Temporal's development server does not answer: is its command installed?");
      await sleep(250);
    }
  }

  get logs(): string {
    return join(this.folder, "logs");
  }

  /** Starts a program with Temporal's address in its environment. */
  launch(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Beside {
    const { pid = 0 } = this.#spawn(file, args, "ignore", env);
    return { pid, line: "" };
  }

  /** Starts a program and waits until it prints a line that matches. */
  async beside(file: string, args: readonly string[], ready: RegExp): Promise<Beside> {
    const child = this.#spawn(file, args, "pipe");
    if (child.stdout === null) throw new Error("no pipe");
    for await (const line of createInterface({ input: child.stdout }))
      if (ready.test(line)) {
        child.stdout.resume();
        return { pid: child.pid ?? 0, line };
      }
    throw new Error(`${file} ${args.join(" ")} ended before it was ready`);
  }

  #spawn(file: string, args: readonly string[], stdout: "pipe" | "ignore", env = {}): ChildProcess {
    const child = spawn(file, args, {
      stdio: ["ignore", stdout, "ignore"],
      env: { ...process.env, TEMPORAL_ADDRESS: this.address, TEMPORAL_LOG_DIR: this.logs, ...env },
    });
    this.#children.push(child);
    return child;
  }

  /** Runs a workflow; returns seconds. */
  async perform(workflow: string, taskQueue: string, input: unknown): Promise<number> {
    return (await this.performAs(workflow, taskQueue, input)).seconds;
  }

  /** As `perform`, but also returns the workflow's id. */
  async performAs(
    workflow: string,
    taskQueue: string,
    input: unknown,
  ): Promise<{ readonly workflowId: string; readonly seconds: number }> {
    const workflowId = `${workflow}-${(this.#runs += 1)}`;
    const start = performance.now();
    await this.client.workflow.execute(workflow, { workflowId, taskQueue, args: [input] });
    return { workflowId, seconds: (performance.now() - start) / 1000 };
  }

  async end(): Promise<void> {
    await this.client.connection.close();
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Resets the peak memory of a process. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** Peak resident memory of a process since the reset, MiB. */
export function peakMib(pid: number): Promise<number> {
  return memoryOf(pid, "VmHWM");
}

/** Resident memory of a process, MiB. */
export function residentMib(pid: number): Promise<number> {
  return memoryOf(pid, "VmRSS");
}

async function memoryOf(pid: number, field: "VmHWM" | "VmRSS"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
