import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A program to start. */
export interface SpawnRequest {
  readonly id: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  /** The worker's socket: each output stream connects to it and sends its header. */
  readonly socket: string;
}

/** The start or end of a program. */
export type SpawnReport =
  | { readonly id: string; readonly pid: number }
  | { readonly id: string; readonly code: number | null; readonly by: NodeJS.Signals | null }
  | { readonly id: string; readonly error: string };

/** The header of a stream, before the program's output. It has a fixed length. */
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
    // Only the program may keep them open, as the worker waits until they are closed.
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

// Started by ./spawn.ts. It ends with the worker, and its programs end with it, by setpriv's --pdeathsig.
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
