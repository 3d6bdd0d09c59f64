import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import { temporalSettings } from "../../config/temporal.ts";

const LOOPBACK = "127.0.0.1";

export interface DevServerOptions {
  /** Where it answers workers and clients, besides loopback; it asks nobody who they are. */
  readonly ip: string;
  /** SQLite file; folders above it are made. */
  readonly database: string;
  readonly port: number;
  /** Port of Temporal's own web page. */
  readonly uiPort: number;
  /** More options for Temporal's command. Default: none. */
  readonly more?: readonly string[];
}

/**
 * Runs Temporal's development server until it ends, its own page on loopback; returns its exit code.
 * @throws UserError where the program `temporal` is missing
 */
export async function runDevServer({
  ip,
  database,
  port,
  uiPort,
  more = [],
}: DevServerOptions): Promise<number> {
  const program = await findTemporal();
  const relay = ip === LOOPBACK ? undefined : await startRelay(ip, port);
  await mkdir(dirname(database), { recursive: true, mode: 0o700 });
  const server = execa(
    // It ends with whoever asked for it, however that ends.
    "setpriv",
    [
      ...["--pdeathsig", "TERM", "--", program],
      ...["server", "start-dev", "--ip", LOOPBACK, "--port", String(port)],
      ...["--ui-ip", LOOPBACK, "--ui-port", String(uiPort)],
      ...["--db-filename", database, "--log-level", "error"],
      ...Object.entries(temporalSettings).flatMap(([key, value]) => [
        "--dynamic-config-value",
        `${key}=${JSON.stringify(value)}`,
      ]),
      ...more,
    ],
    { stdin: "ignore", stdout: "inherit", stderr: "inherit", reject: false },
  );
  // It takes some seconds to end in order; nobody who waits for this command shall find it still there.
  const pass = (signal: NodeJS.Signals): void => void server.kill(signal);
  process.on("SIGTERM", pass).on("SIGINT", pass);
  const { exitCode } = await server;
  process.off("SIGTERM", pass).off("SIGINT", pass);
  relay?.close();
  return exitCode ?? 1;
}

/**
 * Passes connections at another address on to the server. It answers on loopback only: at any other address its parts do not find
 * each other, and at every address at once they would answer everybody.
 */
async function startRelay(ip: string, port: number): Promise<Server> {
  const relay = createServer((from) => {
    const to = connect(port, LOOPBACK);
    pipeline(from, to, from, () => undefined);
  });
  try {
    relay.listen(port, ip);
    await once(relay, "listening");
    return relay;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`--ip ${ip}: ${reason}; give an address of this host`, { cause: error });
  }
}

/** Where tools/temporal.sh puts it. */
const BUILT = resolve(import.meta.dirname, "../../.ai-how/cache/temporal/temporal");

/** `AI_HOW_TEMPORAL`, `temporal` on PATH, what tools/temporal.sh built, or where Go installs it. */
export async function findTemporal(): Promise<string> {
  const candidates = [
    process.env.AI_HOW_TEMPORAL,
    "temporal",
    BUILT,
    join(homedir(), "go", "bin", "temporal"),
  ];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    if (!(await execa(candidate, ["--version"], { reject: false, stdio: "ignore" })).failed) return candidate;
  }
  throw new UserError(
    "temporal: Temporal's command is not installed; get it from https://temporal.io/setup/install-temporal-cli, build it with tools/temporal.sh, or name one by AI_HOW_TEMPORAL",
  );
}
