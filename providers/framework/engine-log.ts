import { credentials } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";

/** Shows lines in the engine's display, next to the resource that they belong to. */
export class EngineLog {
  #client: InstanceType<typeof engine.EngineClient> | undefined;

  /** `address` is `host:port`; without one, lines go to stderr. */
  constructor(address: string) {
    this.attach(address);
  }

  /** Turns to another engine. */
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
    // A line that cannot be shown is no reason to fail.
    this.#client.log(request, () => undefined);
  }

  close(): void {
    this.#client?.close();
  }
}
