import { Server, ServerCredentials, type handleUnaryCall, type ServiceError } from "@grpc/grpc-js";

/** A gRPC server without a limit on the size of messages. */
export function newServer(): Server {
  return new Server({ "grpc.max_receive_message_length": -1 });
}

/** Listens at `unix:PATH` or `127.0.0.1:0`, which takes a free port; returns the port. */
export async function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** A method with one request and one response; `failure` turns an error into gRPC's. */
export function unary<Request, Response>(
  work: (request: Request) => Response | Promise<Response>,
  failure: (error: unknown) => Pick<ServiceError, "code" | "details">,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const answer = async () => work(call.request);
    answer().then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback(failure(error));
      },
    );
  };
}
