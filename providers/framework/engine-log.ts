import { credentials } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";

/** Sends log lines to the engine, which shows each next to its resource. */
export class EngineLog {
  #client: InstanceType<typeof engine.EngineClient> | undefined;

  /** `address` is `host:port`; without one, lines go to stderr. */
  constructor(address: string) {
    this.attach(address);
  }

  /** Sends further lines to the engine at this address. */
  attach(address: string): void {
    this.#client?.close();
    this.#client =
      address === "" ? undefined : new engine.EngineClient(address, credentials.createInsecure());
  }

  info(urn: string, line: string): void {
    if (this.#client === undefined) {
      process.stderr.write(`${line}\n`);
      return;
    }
    const request = new messages.LogRequest();
    request.setSeverity(messages.LogSeverity.INFO);
    request.setUrn(urn);
    request.setMessage(line);
    // A lost log line must not fail the operation.
    this.#client.log(request, () => undefined);
  }

  close(): void {
    this.#client?.close();
  }
}
