import { z } from "zod";
import { type InputsOf, ProviderError, resourceType } from "../framework/resource.ts";

export const dockerDaemonSchemas = {
  /** Its address, `unix:///run/docker.sock`. Default: DOCKER_HOST, else `unix:///var/run/docker.sock`. */
  host: z
    .string()
    .regex(/^[a-z]+:\/\/./, "must be an address such as unix:///run/docker.sock")
    .optional(),
};

export interface DockerDaemonOutputs {
  /** Its address; known after the first `up`. */
  address: string;
}

type DockerDaemonInputs = InputsOf<typeof dockerDaemonSchemas>;
type DockerDaemonState = DockerDaemonInputs & DockerDaemonOutputs;

const DEFAULT_ADDRESS = "unix:///var/run/docker.sock";
const ANSWER_MILLISECONDS = 10_000;

/**
 * `host:index:DockerDaemon`: waits for a Docker daemon's answer and creates nothing. Its address is known only after the first `up`:
 * a preview of a new stack then needs no daemon, which Pulumi's Docker provider would call as soon as it is configured.
 */
export const dockerDaemon = resourceType<unknown, DockerDaemonInputs, DockerDaemonState>({
  token: "host:index:DockerDaemon",
  inputs: dockerDaemonSchemas,
  changes: { host: "update" },
  deleteBeforeReplace: false,
  volatile: ["address"],
  identify: () => "docker",
  create: async (inputs, { signal }) => ({ id: "docker", inputs, state: await findDaemon(inputs, signal) }),
  // If the daemon does not answer, the resources on it report that.
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: async (id, _was, inputs, { signal }) => ({ id, inputs, state: await findDaemon(inputs, signal) }),
  delete: () => Promise.resolve(),
});

async function findDaemon(inputs: DockerDaemonInputs, signal: AbortSignal): Promise<DockerDaemonState> {
  const variable = process.env.DOCKER_HOST ?? "";
  const address = inputs.host ?? (variable === "" ? DEFAULT_ADDRESS : variable);
  const endpoint = endpointOf(address);
  const failure = endpoint && (await ping(endpoint, signal));
  if (failure !== undefined)
    throw new ProviderError(
      `${address}: Docker does not answer (${failure}); install and start it, or set ai-how:dockerHost or DOCKER_HOST to its address`,
    );
  return { ...inputs, address };
}

type Endpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Undefined for an address with SSH or TLS, which only Pulumi's Docker provider can connect to. */
function endpointOf(address: string): Endpoint | undefined {
  const url = URL.parse(address);
  if (url?.protocol === "unix:") return { socketPath: url.pathname };
  return url?.protocol === "tcp:" && url.port === "2375"
    ? { host: url.hostname, port: Number(url.port) }
    : undefined;
}

/** Why the daemon does not answer; undefined if it does. */
async function ping(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined> {
  // Imported on demand: it loads fetch, which other commands do not need.
  const { request } = await import("node:http");
  return new Promise((resolve) => {
    const end = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MILLISECONDS)]);
    const asked = request({ ...endpoint, path: "/_ping", signal: end }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode ?? "none"}`);
    });
    asked.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    asked.end();
  });
}
