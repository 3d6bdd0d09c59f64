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
  /** Address for workers and clients, besides loopback. Temporal has no authentication. */
  readonly ip: string;
  /** SQLite file; its folder is created. */
  readonly database: string;
  readonly port: number;
  /** Port of Temporal's own web page. */
  readonly uiPort: number;
  /** More options for Temporal's command. Default: none. */
  readonly more?: readonly string[];
}

/**
 * Runs Temporal's development server until it ends, its own page on loopback; returns its exit code.
 * @throws UserError if the program `temporal` is missing
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
    // The server ends with this process, also when that is killed.
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
  // The server takes some seconds to shut down: this command ends after it.
  const pass = (signal: NodeJS.Signals): void => void server.kill(signal);
  process.on("SIGTERM", pass).on("SIGINT", pass);
  const { exitCode } = await server;
  process.off("SIGTERM", pass).off("SIGINT", pass);
  relay?.close();
  return exitCode ?? 1;
}

/**
 * Forwards connections at another address to the server. The server listens on loopback only: bound to another address its services
 * do not find each other, and bound to all addresses they would be open to every host.
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

/** The link that tools/temporal.sh makes. */
const BUILT = resolve(import.meta.dirname, "../../.ai-how/cache/temporal/temporal");

/** `AI_HOW_TEMPORAL`, `temporal` on PATH, what tools/temporal.sh fetched, or where Go installs it. */
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
    "temporal: Temporal's command is not installed; get it from https://temporal.io/setup/install-temporal-cli, fetch it with tools/temporal.sh, or name one by AI_HOW_TEMPORAL",
  );
}
