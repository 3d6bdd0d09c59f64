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

const USUAL = "unix:///var/run/docker.sock";
const ANSWER_MILLISECONDS = 10_000;

/**
 * `host:index:DockerDaemon`: a Docker daemon that answers. Makes nothing. Its address is known after the first `up` and not before, so
 * a preview of what is not there yet asks no daemon: Pulumi's Docker provider would, as soon as it is configured.
 */
export const dockerDaemon = resourceType<unknown, DockerDaemonInputs, DockerDaemonState>({
  token: "host:index:DockerDaemon",
  inputs: dockerDaemonSchemas,
  changes: { host: "update" },
  deleteBeforeReplace: false,
  volatile: ["address"],
  identify: () => "docker",
  create: async (inputs, { signal }) => ({ id: "docker", inputs, state: await found(inputs, signal) }),
  // Where it does not answer, what runs on it says so.
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: async (id, _was, inputs, { signal }) => ({ id, inputs, state: await found(inputs, signal) }),
  delete: () => Promise.resolve(),
});

async function found(inputs: DockerDaemonInputs, signal: AbortSignal): Promise<DockerDaemonState> {
  const variable = process.env.DOCKER_HOST ?? "";
  const address = inputs.host ?? (variable === "" ? USUAL : variable);
  const place = placeOf(address);
  const failure = place && (await ping(place, signal));
  if (failure !== undefined)
    throw new ProviderError(
      `${address}: Docker does not answer (${failure}); install and start it, or say by ai-how:dockerHost or DOCKER_HOST where it is`,
    );
  return { ...inputs, address };
}

type Place = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Undefined for what is reached by SSH or TLS: the provider knows how. */
function placeOf(address: string): Place | undefined {
  const url = URL.parse(address);
  if (url?.protocol === "unix:") return { socketPath: url.pathname };
  return url?.protocol === "tcp:" && url.port === "2375"
    ? { host: url.hostname, port: Number(url.port) }
    : undefined;
}

/** Why it does not answer; undefined where it does. */
async function ping(place: Place, signal: AbortSignal): Promise<string | undefined> {
  // Imported here: it brings fetch with it, which no other command needs and all would wait for.
  const { request } = await import("node:http");
  return new Promise((resolve) => {
    const end = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MILLISECONDS)]);
    const asked = request({ ...place, path: "/_ping", signal: end }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode ?? "none"}`);
    });
    asked.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    asked.end();
  });
}
