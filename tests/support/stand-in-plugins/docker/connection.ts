import type Docker from "dockerode";
import { z } from "zod";
import { ProviderError } from "../../../../providers/framework/resource.ts";

const DEFAULT_HOST = "unix:///var/run/docker.sock";

// The SDK sends what is no text as JSON.
export const configSchema = {
  host: z.string().optional(),
  disableDockerDaemonCheck: z.enum(["true", "false"]).optional(),
};

/** Configuration of a `docker.Provider`, as far as it is used. */
export interface DockerConfig {
  /** `unix:///run/docker.sock` or `tcp://host:2375`. Default: DOCKER_HOST, else the usual socket. */
  host: string | undefined;
  /** Of no consequence: the daemon is asked when there is something to do, and not before. */
  disableDockerDaemonCheck: "true" | "false" | undefined;
}

/** Errors of the client: the daemon's answers have a status, those of the connection a code. */
const failureSchema = z.looseObject({
  message: z.string(),
  statusCode: z.int().optional(),
  code: z.string().optional(),
  // Where the answer was JSON; else text, or nothing.
  json: z.looseObject({ message: z.string() }).optional().catch(undefined),
});

/** What the daemon did not want to do. */
export class Refusal extends ProviderError {
  /** HTTP status: 404 for what is not there, 409 for what is in the way. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** A Docker daemon by its API. */
export class Daemon {
  readonly #host: string;
  readonly #client: Docker;

  private constructor(host: string, client: Docker) {
    this.#host = host;
    this.#client = client;
  }

  /** The daemon of a provider's configuration; nothing is asked of it yet. */
  static async at({ host }: DockerConfig): Promise<Daemon> {
    const variable = process.env.DOCKER_HOST ?? "";
    const place = host ?? (variable === "" ? DEFAULT_HOST : variable);
    // Loading the client takes a quarter of a second, which a preview of what is not there yet need not spend.
    const { default: Client } = await import("dockerode");
    return new Daemon(place, new Client(optionsOf(place)));
  }

  /** @throws ProviderError with the daemon's own words, or that it does not answer */
  async ask<Answer>(request: (client: Docker) => Promise<Answer>): Promise<Answer> {
    try {
      return await request(this.#client);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** As `ask`, and undefined where there is no such thing. */
  async find<Answer>(request: (client: Docker) => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await this.ask(request);
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** As `ask`, for what is true already when the daemon answers with one of these. */
  async settle(request: (client: Docker) => Promise<unknown>, ...fine: readonly number[]): Promise<void> {
    try {
      await this.ask(request);
    } catch (error) {
      if (!(error instanceof Refusal) || !fine.includes(error.status)) throw error;
    }
  }

  #failure(error: unknown): unknown {
    const { data } = failureSchema.safeParse(error);
    if (error instanceof ProviderError || data === undefined) return error;
    if (data.statusCode !== undefined)
      return new Refusal(`Docker: ${data.json?.message ?? withoutStatus(data.message)}`, data.statusCode);
    if (data.code === undefined) return error;
    return new ProviderError(
      `${this.#host}: Docker does not answer (${data.code}); start it, or say by ai-how:dockerHost or DOCKER_HOST where it is`,
    );
  }
}

/** What the client puts before the daemon's words: `(HTTP code 500) server error - `. */
function withoutStatus(message: string): string {
  return message.replace(/^\(HTTP code \d+\)[^-]*- /, "").trim();
}

function optionsOf(host: string): Docker.DockerOptions {
  const parsed = URL.parse(host);
  if (parsed?.protocol === "unix:" && parsed.pathname !== "") return { socketPath: parsed.pathname };
  if (parsed?.protocol === "tcp:" && parsed.port !== "")
    return { protocol: "http", host: parsed.hostname, port: Number(parsed.port) };
  throw new ProviderError(
    `${host}: the stand-in reaches Docker as unix:///path or tcp://host:port; give one of them`,
  );
}
