// Runs in the program's process before the SDK: its clients of the engine call over Node's channel between the two processes
// in the place of gRPC, which was half of a preview (`docs/decisions/0026`). A test holds that the SDK takes them.
import { createRequire } from "node:module";
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { Message } from "google-protobuf";
import type { Answer, Call } from "./channel.ts";

/** A service as the SDK's generated code describes it. */
type Service = Readonly<
  Record<string, { readonly path: string; readonly responseType: new (array: unknown[]) => Message }>
>;
type Callback = (error: ServiceError | null, response?: Message) => void;

interface Pending {
  readonly responseType: new (array: unknown[]) => Message;
  readonly callback: Callback;
}

const require = createRequire(import.meta.url);
const resourceGrpc = require("@pulumi/pulumi/proto/resource_grpc_pb.js") as Record<string, unknown>;
const engineGrpc = require("@pulumi/pulumi/proto/engine_grpc_pb.js") as Record<string, unknown>;

const pending = new Map<number, Pending>();
let calls = 0;

resourceGrpc.ResourceMonitorClient = clientOf(resourceGrpc.ResourceMonitorService as Service);
engineGrpc.EngineClient = clientOf(engineGrpc.EngineService as Service);

process.on("message", (message) => {
  const answer = message as Answer;
  const call = take(answer.id);
  if (call === undefined) return;
  if ("response" in answer) call.callback(null, new call.responseType(answer.response));
  else if (answer.failure === "unavailable") call.callback(serviceError(status.UNAVAILABLE, answer.details));
  else call.callback(serviceError(status.UNIMPLEMENTED, answer.details));
});
process.on("disconnect", () => {
  for (const id of [...pending.keys()]) take(id)?.callback(closed());
});
// The channel keeps the process alive only while a call waits.
process.channel?.unref();

/** The client of a service: a method each that takes a request and a callback. */
function clientOf(service: Service): new () => object {
  class Client {
    #open = true;

    static {
      for (const [name, { path, responseType }] of Object.entries(service)) {
        Object.defineProperty(Client.prototype, name, {
          // Between request and callback, gRPC takes metadata and options, which the SDK has no use for here.
          value(this: Client, request: Message, ...rest: [...unknown[], Callback]) {
            const callback = rest.at(-1) as Callback;
            if (this.#open && process.connected) send(path, request, { responseType, callback });
            else setImmediate(callback, closed());
          },
        });
      }
    }

    close(): void {
      this.#open = false;
    }
  }
  return Client;
}

function send(path: string, request: Message, call: Pending): void {
  calls += 1;
  pending.set(calls, call);
  process.channel?.ref();
  process.send?.({ id: calls, path, request: request.toArray() } satisfies Call);
}

function take(id: number): Pending | undefined {
  const call = pending.get(id);
  pending.delete(id);
  if (pending.size === 0) process.channel?.unref();
  return call;
}

function closed(): ServiceError {
  return serviceError(status.UNAVAILABLE, "the engine is gone");
}

/** An error as gRPC makes it: the SDK reads its code. */
function serviceError(code: status, details: string): ServiceError {
  return Object.assign(new Error(`${code} ${status[code]}: ${details}`), {
    code,
    details,
    metadata: new Metadata(),
  });
}
