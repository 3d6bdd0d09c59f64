import { fork, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { headerOf, type SpawnReport, type SpawnRequest } from "./spawner.ts";

/** How a program ended: by its exit code, or by a signal. */
export type Exit = readonly [code: number | null, by: NodeJS.Signals | null];

/** A running program in its own process group. */
export interface Spawned {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the program and all other writers of its output have ended. */
  readonly closed: Promise<Exit>;
}

/** A program whose streams or end are still missing. */
interface Awaited {
  readonly streams: Map<string, PromiseWithResolvers<Socket>>;
  readonly pid: PromiseWithResolvers<number>;
  readonly exit: PromiseWithResolvers<Exit>;
}

const HEADER_LENGTH = headerOf(randomUUID(), "stdout").length;

/**
 * Starts a program from a small process beside the worker. fork(2) copies the page tables of its caller, and Node waits for
 * that: 1 ms for 50 MiB, 20 to 40 ms for a worker with the history of 2,000 steps.
 * @throws if it cannot be started
 */
export async function spawnBeside(request: Omit<SpawnRequest, "id" | "socket">): Promise<Spawned> {
  spawner ??= new Spawner();
  return spawner.start(request);
}

let spawner: Spawner | undefined;

class Spawner {
  readonly #process: ChildProcess;
  readonly #programs = new Map<string, Awaited>();
  // In Linux's abstract namespace, so that a killed worker leaves no file. The headers keep other processes out.
  readonly #path = `\0ai-how-worker-${randomUUID()}`;
  readonly #listening: Promise<unknown>;

  constructor() {
    const server = createServer((socket) => {
      this.#greet(socket);
    });
    this.#listening = once(server.listen(this.#path), "listening");
    this.#listening.catch(() => undefined);
    server.unref();
    this.#process = fork(join(import.meta.dirname, "spawner.ts"), [], {
      // In its own process group: it ends after the worker, not with a signal to the worker's group.
      ...{ detached: true, execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] },
    });
    this.#process.on("message", (report) => {
      this.#take(report as SpawnReport);
    });
    const lost = (): void => {
      server.close();
      if (spawner === this) spawner = undefined;
      for (const program of this.#programs.values())
        fail(program, new Error("the process that starts programs for this worker has ended"));
    };
    this.#process.once("error", lost).once("exit", lost);
    this.#process.unref();
  }

  /** Keeps this process alive only while a program runs. */
  #hold(): void {
    if (this.#programs.size === 0) this.#process.channel?.unref();
    else this.#process.channel?.ref();
  }

  async start(request: Omit<SpawnRequest, "id" | "socket">): Promise<Spawned> {
    const id = randomUUID();
    const [out, error] = [Promise.withResolvers<Socket>(), Promise.withResolvers<Socket>()];
    const streams = new Map([
      [headerOf(id, "stdout"), out],
      [headerOf(id, "stderr"), error],
    ]);
    const program: Awaited = { streams, pid: Promise.withResolvers(), exit: Promise.withResolvers() };
    this.#programs.set(id, program);
    this.#hold();
    program.pid.promise.catch(() => undefined);
    // The report of its end may arrive before its streams.
    const all = [out.promise, error.promise, program.exit.promise];
    void Promise.allSettled(all).then(() => {
      this.#programs.delete(id);
      this.#hold();
    });
    await this.#listening;
    this.#process.send({ ...request, id, socket: this.#path } satisfies SpawnRequest, (failure) => {
      if (failure !== null) fail(program, failure);
    });
    const pid = await program.pid.promise;
    const [stdout, stderr] = await Promise.all([out.promise, error.promise]);
    const closed = Promise.all([program.exit.promise, once(stdout, "close"), once(stderr, "close")]);
    return { pid, stdout, stderr, closed: closed.then(([exit]) => exit) };
  }

  /** Reads a stream's header to find its program. The rest stays in the stream. */
  #greet(socket: Socket): void {
    const look = (): void => {
      const header = (socket.read(HEADER_LENGTH) as Buffer | null)?.toString();
      if (header === undefined) return;
      socket.off("readable", look);
      const stream = this.#programs.get(header.split(" ")[0] ?? "")?.streams.get(header);
      if (stream === undefined) socket.destroy();
      else stream.resolve(socket);
    };
    socket.on("readable", look).on("error", () => socket.destroy());
  }

  #take(report: SpawnReport): void {
    const program = this.#programs.get(report.id);
    if (program === undefined) return;
    if ("pid" in report) program.pid.resolve(report.pid);
    else if ("error" in report) fail(program, new Error(report.error));
    else program.exit.resolve([report.code, report.by]);
  }
}

function fail({ streams, pid, exit }: Awaited, error: Error): void {
  for (const { reject } of [pid, exit, ...streams.values()]) reject(error);
}
