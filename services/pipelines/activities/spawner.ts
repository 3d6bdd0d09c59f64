import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A program to start, and where its output goes. */
export interface SpawnRequest {
  readonly id: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  /** The worker's socket, which each stream connects to and says its header at. */
  readonly socket: string;
}

/** What became of a program. */
export type SpawnReport =
  | { readonly id: string; readonly pid: number }
  | { readonly id: string; readonly code: number | null; readonly by: NodeJS.Signals | null }
  | { readonly id: string; readonly error: string };

/** What a stream says before its program does. Its length is always the same. */
export function headerOf(id: string, stream: "stdout" | "stderr"): string {
  return `${id} ${stream}`;
}

async function start({ id, program, args, env, cwd, socket }: SpawnRequest): Promise<void> {
  const [stdout, stderr] = await Promise.all([
    output(socket, headerOf(id, "stdout")),
    output(socket, headerOf(id, "stderr")),
  ]);
  try {
    const child = spawn(program, args, {
      cwd,
      env: { ...env },
      stdio: ["ignore", stdout, stderr],
      detached: true,
    });
    child.once("exit", (code, by) => {
      report({ id, code, by });
    });
    await once(child, "spawn");
    if (child.pid !== undefined) report({ id, pid: child.pid });
  } finally {
    // The program has them now, and nobody else may: the worker waits for their end.
    stdout.destroy();
    stderr.destroy();
  }
}

async function output(path: string, header: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  await new Promise<void>((resolve, reject) => {
    socket.write(header, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  return socket;
}

function report(message: SpawnReport): void {
  if (process.connected) process.send?.(message);
}

// Started by ./spawn.ts. It ends with the worker, and with it, by setpriv's --pdeathsig, what it has started.
if (import.meta.main) {
  process.on("disconnect", () => {
    process.exit();
  });
  process.on("message", (request) => {
    const { id } = request as SpawnRequest;
    start(request as SpawnRequest).catch((error: unknown) => {
      report({ id, error: error instanceof Error ? error.message : String(error) });
    });
  });
}
