import type { ChildProcess } from "node:child_process";
import type { Message } from "google-protobuf";

/** A call of a method of Pulumi's protocol by the program's process. */
export interface Call {
  readonly id: number;
  /** Service and method, as gRPC writes them: `/pulumirpc.ResourceMonitor/RegisterResource`. */
  readonly path: string;
  /** The request, as the array that its class is made from. */
  readonly request: unknown[];
}

/** What a call ends with, as the array that the response's class is made from, or why it failed. */
export type Answer =
  | { readonly id: number; readonly response: unknown[] }
  | { readonly id: number; readonly failure: "unavailable" | "unimplemented"; readonly details: string };

/** A method as it is served: the request is an array. */
export type Method = (request: unknown[]) => Promise<Message>;

/** Serves a method by its request's class. */
export function method<Request extends Message>(
  type: new (array?: unknown[]) => Request,
  work: (request: Request) => Message | Promise<Message>,
): Method {
  return async (array) => work(new type(array));
}

/** Answers the calls that a program's process sends over Node's channel to it, `methods` by their paths. */
export function serve(program: ChildProcess, methods: Readonly<Record<string, Method>>): void {
  program.on("message", (message) => {
    void answer(message as Call, methods).then((answer) => {
      // A program that has ended waits for no answer.
      program.send(answer, () => undefined);
    });
  });
}

async function answer(
  { id, path, request }: Call,
  methods: Readonly<Record<string, Method>>,
): Promise<Answer> {
  const serving = methods[path];
  if (serving === undefined) {
    const details = `the in-process engine has no ${path.replace(/.*\//, "")}; use Pulumi's own CLI`;
    return { id, failure: "unimplemented", details };
  }
  try {
    const response = await serving(request);
    return { id, response: response.toArray() };
  } catch (error) {
    // It makes the SDK end the program quietly: the failure itself has been told already.
    return { id, failure: "unavailable", details: error instanceof Error ? error.message : String(error) };
  }
}
