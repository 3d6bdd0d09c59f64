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

/** Thrown for a stack that does not exist. */
export class NoStack extends Error {
  override readonly name = "NoStack";
}

/**
 * Runs Pulumi's CLI on one stack. The Automation API would start it five more times per run, to select the stack and to read
 * version, outputs and history, which ai-how does not need.
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

  /** Runs a command and passes on the engine's events. @throws UserError with the CLI's own message */
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

  /** Creates the stack; the CLI writes the encryption's salt into the stack's file. */
  async create(): Promise<void> {
    await this.#execute(["stack", "init"]);
  }

  /** The state with plain secrets; undefined if the stack does not exist. */
  async state(): Promise<unknown> {
    try {
      return JSON.parse(await this.#execute(["stack", "export", "--show-secrets"]));
    } catch (error) {
      if (error instanceof NoStack) return undefined;
      throw error;
    }
  }

  /** Variables that the CLI gets besides our environment. */
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
      // The CLI finishes running operations, however long they take.
      killSignal: "SIGINT",
      forceKillAfterDelay: false,
    });
    if (!result.failed) return result.stdout;
    const message = /^error: (.+)$/m.exec(`${result.stderr}\n${result.stdout}`)?.[1];
    if (message?.startsWith("no stack named") === true) throw new NoStack(message);
    if (message === undefined) throw new Error(result.shortMessage, { cause: result });
    throw new UserError(`${stack}: ${message.includes("incorrect passphrase") ? WRONG_PASSPHRASE : message}`);
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
      // Without this the CLI has no `--event-log`.
      PULUMI_DEBUG_COMMANDS: "true",
      // Without this a missing plugin means five attempts to download it, not one clear error.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_CONFIG_PASSPHRASE: await passphrase(root),
      ...(ownBackend && { PULUMI_BACKEND_URL: `file://${state}` }),
      // The language host runs the first `node` on PATH, which must be one that runs TypeScript.
      PATH: [dirname(process.execPath), dirname(this.#file), process.env.PATH ?? ""].join(delimiter),
    };
  }
}

interface ExecuteOptions {
  readonly signal?: AbortSignal;
  /** More variables for this command. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Receives the events of one run of the CLI, as the Automation API does. */
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
