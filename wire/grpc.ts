import { Server, ServerCredentials, type handleUnaryCall, type ServiceError } from "@grpc/grpc-js";

/** A server of Pulumi's protocol; messages may be of any size. */
export function newServer(): Server {
  return new Server({ "grpc.max_receive_message_length": -1 });
}

/** Listens at `127.0.0.1:0`, which gives a free port, or `unix:PATH`; returns the port. */
export async function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** A method of one request; `failure` says as gRPC does what went wrong. */
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
