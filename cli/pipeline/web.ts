import { readFile } from "node:fs/promises";
import { InvalidArgumentError, type Command } from "commander";
import { UserError } from "../../config/errors.ts";
import { placeOf, withPlace, type PlaceOptions } from "./options.ts";

interface WebCommandOptions extends PlaceOptions {
  readonly host: string;
  readonly port: number;
  readonly logDir: string;
  readonly tokenFile?: string;
}

// What others could guess is no token.
const SHORTEST_TOKEN = 16;

/** `pipeline web`: the page with the picture. */
export function addWeb(pipeline: Command): void {
  withPlace(pipeline.command("web"))
    .description("a page with runs as graphs, live, with their logs; until Ctrl-C")
    .option("--host <address>", "where it answers; beyond loopback it asks for a token", "127.0.0.1")
    .option("--port <port>", "0: any that is free", portNumber, Number(process.env.PORT ?? 8787))
    .option(
      "--log-dir <folder>",
      "where workers write logs. Default: TEMPORAL_LOG_DIR, else logs",
      process.env.TEMPORAL_LOG_DIR ?? "logs",
    )
    .option("--token-file <file>", "the token to ask for, also on loopback. Default: one that is made up")
    .action(async ({ host, port, logDir, tokenFile, ...options }: WebCommandOptions) => {
      const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
      const { serveWeb } = await import("../../services/pipelines/web/server.ts");
      const place = placeOf(options);
      const web = await serveWeb({ place, host, port, logDirectory: logDir, token });
      process.stdout.write(`${web.url}\n`);
      await new Promise<void>((resolve) => {
        process.once("SIGINT", resolve).once("SIGTERM", resolve);
      });
      await web.close();
    });
}

async function readToken(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(`--token-file: ${error instanceof Error ? error.message : String(error)}`);
  });
  const token = text.trim();
  if (token.length < SHORTEST_TOKEN)
    throw new UserError(
      `${file}: the token has ${token.length} characters; give it ${SHORTEST_TOKEN} or more`,
    );
  return token;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError("Give a port from 0 to 65535.");
  return port;
}
