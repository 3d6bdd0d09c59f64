import { flushCompileCache } from "node:module";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { listen, newServer } from "../../wire/grpc.ts";
import { EngineLog } from "./engine-log.ts";
import { implement } from "./handlers.ts";
import { Provider } from "./provider.ts";
import type { ProviderDefinition } from "./resource.ts";

/** A running gRPC server of a provider. */
export interface Served {
  readonly port: number;
  close(): void;
}

/** Serves a provider on a free port of the loopback interface, with log lines to the engine at `engine`. */
export async function serve<Config extends object>(
  definition: ProviderDefinition<Config>,
  engine: string,
): Promise<Served> {
  const log = new EngineLog(engine);
  const server = newServer();
  server.addService(provider.ResourceProviderService, implement(new Provider(definition), log));
  const port = await listen(server, "127.0.0.1:0");
  return {
    port,
    close() {
      log.close();
      server.forceShutdown();
    },
  };
}

/** Runs a provider as Pulumi's plugin: prints its port, which the engine reads, and exits with the engine. */
export async function runPlugin<Config extends object>(
  definition: ProviderDefinition<Config>,
): Promise<void> {
  // The engine's address comes last, after flags for logging and tracing.
  const engine = process.argv.slice(2).findLast((argument) => !argument.startsWith("-")) ?? "";
  const { port } = await serve(definition, engine);
  process.stdout.write(`${port}\n`);
  // Node writes its compile cache at exit, but Pulumi's CLI ends plugins with SIGKILL.
  flushCompileCache();
  // A killed engine sends no message, but its children get another parent.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, 500).unref();
}
