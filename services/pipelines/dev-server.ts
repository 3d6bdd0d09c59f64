import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";

export interface DevServerOptions {
  /** SQLite file; folders above it are made. */
  readonly database: string;
  readonly port: number;
  /** Port of Temporal's own web page. */
  readonly uiPort: number;
  /** More options for Temporal's command. Default: none. */
  readonly more?: readonly string[];
}

/**
 * Runs Temporal's development server on loopback until it ends; returns its exit code.
 * @throws UserError where the program `temporal` is missing
 */
export async function runDevServer({ database, port, uiPort, more = [] }: DevServerOptions): Promise<number> {
  const program = await findTemporal();
  await mkdir(dirname(database), { recursive: true, mode: 0o700 });
  const { exitCode } = await execa(
    // It ends with whoever asked for it, however that ends.
    "setpriv",
    [
      ...["--pdeathsig", "TERM", "--", program],
      ...["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port)],
      ...["--ui-ip", "127.0.0.1", "--ui-port", String(uiPort)],
      ...["--db-filename", database, "--log-level", "error", ...more],
    ],
    { stdin: "ignore", stdout: "inherit", stderr: "inherit", reject: false },
  );
  return exitCode ?? 1;
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
