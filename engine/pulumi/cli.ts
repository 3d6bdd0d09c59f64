import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Server } from "@grpc/grpc-js";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import services from "@pulumi/pulumi/proto/events_grpc_pb.js";
import type { EventRequest } from "@pulumi/pulumi/proto/events_pb.js";
import { execa } from "execa";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { UserError } from "../../config/errors.ts";
import { listen, newServer } from "../../wire/grpc.ts";
import type { StackReference } from "../engine.ts";
import { passphrase, WRONG_PASSPHRASE } from "../passphrase.ts";

/** Thrown for a stack that was never made. */
export class NoStack extends Error {
  override readonly name = "NoStack";
}

/**
 * Runs Pulumi's CLI on one stack. The Automation API would start it five times more for each run: to select the stack, and
 * to ask for its version, outputs and history, which nobody looks at.
 */
export class Cli {
  readonly #reference: StackReference;
  /** The path of the `pulumi` executable. */
  readonly #file: string;
  #environment: Promise<Record<string, string>> | undefined;

  constructor(reference: StackReference, file: string) {
    this.#reference = reference;
    this.#file = file;
  }

  /** Runs a command with these options, and hands on what its engine tells; throws what the CLI says for itself. */
  async run(
    args: readonly string[],
    onEvent: (event: EngineEvent) => void,
    signal: AbortSignal,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const server = eventServer(onEvent);
    const address = `tcp://127.0.0.1:${await listen(server, "127.0.0.1:0")}`;
    try {
      await this.#execute([...args, "--suppress-progress", "--event-log", address], { signal, environment });
    } finally {
      server.forceShutdown();
    }
  }

  /** Makes the stack, and writes what its encryption needs into its file. */
  async create(): Promise<void> {
    await this.#execute(["stack", "init"]);
  }

  /** The state with its secrets readable; undefined where the stack was never made. */
  async state(): Promise<unknown> {
    try {
      return JSON.parse(await this.#execute(["stack", "export", "--show-secrets"]));
    } catch (error) {
      if (error instanceof NoStack) return undefined;
      throw error;
    }
  }

  /** What the CLI's processes have in their environment besides ours. */
  environment(): Promise<Record<string, string>> {
    return (this.#environment ??= this.#makeEnvironment());
  }

  async #execute(
    args: readonly string[],
    { signal, environment = {} }: ExecuteOptions = {},
  ): Promise<string> {
    const { root, stack } = this.#reference;
    const result = await execa(this.#file, [...args, "--stack", stack, "--non-interactive"], {
      cwd: root,
      env: { ...(await this.environment()), ...environment },
      stdin: "ignore",
      reject: false,
      ...(signal !== undefined && { cancelSignal: signal }),
      // It ends what it has begun, however long that takes.
      killSignal: "SIGINT",
      forceKillAfterDelay: false,
    });
    if (!result.failed) return result.stdout;
    const said = /^error: (.+)$/m.exec(`${result.stderr}\n${result.stdout}`)?.[1];
    if (said?.startsWith("no stack named") === true) throw new NoStack(said);
    if (said === undefined) throw new Error(result.shortMessage, { cause: result });
    throw new UserError(`${stack}: ${said.includes("incorrect passphrase") ? WRONG_PASSPHRASE : said}`);
  }

  async #makeEnvironment(): Promise<Record<string, string>> {
    const { root } = this.#reference;
    const home = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
    const loggedIn = existsSync(join(home, "credentials.json"));
    const state = join(root, ".ai-how", "pulumi");
    const ownBackend = process.env.PULUMI_BACKEND_URL === undefined && !loggedIn;
    if (ownBackend) await mkdir(state, { recursive: true, mode: 0o700 });
    return {
      PULUMI_SKIP_UPDATE_CHECK: "1",
      // The CLI has `--event-log` with this only.
      PULUMI_DEBUG_COMMANDS: "true",
      // A missing plugin is one clear error, not five download retries.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_CONFIG_PASSPHRASE: await passphrase(root),
      ...(ownBackend && { PULUMI_BACKEND_URL: `file://${state}` }),
      // The language host takes the first `node` that it finds: it has to be the one that runs TypeScript as it is.
      PATH: [dirname(process.execPath), dirname(this.#file), process.env.PATH ?? ""].join(delimiter),
    };
  }
}

interface ExecuteOptions {
  readonly signal?: AbortSignal;
  /** Variables of this command alone. Default none. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Takes the events of one run of the CLI, as the Automation API does. */
function eventServer(onEvent: (event: EngineEvent) => void): Server {
  const server = newServer();
  const implementation: services.IEventsServer = {
    streamEvents(call, callback) {
      call.on("data", (request: EventRequest) => {
        onEvent(JSON.parse(request.getEvent()) as EngineEvent);
      });
      call.on("end", () => {
        callback(null, new emptyProto.Empty());
      });
    },
  };
  server.addService(services.EventsService, implementation);
  return server;
}
