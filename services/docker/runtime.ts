import { constants } from "node:os";
import { execa } from "execa";
import which from "which";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";

// What says which engine a command talks to.
const VARIABLES = {
  docker: ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"],
  podman: ["CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR"],
} as const;

/** Which engine, and where it is: enough for another process, with another environment, to ask the same one. */
export const runtimePlaceSchema = z.object({
  program: z.enum(["docker", "podman"]),
  variables: z.record(z.string(), z.string()),
});
export type RuntimePlace = z.output<typeof runtimePlaceSchema>;
export type RuntimeProgram = RuntimePlace["program"];

// Words of both engines for what comes to the same.
const PHASES: Readonly<Record<string, ContainerPhase>> = {
  created: "created",
  configured: "created",
  initialized: "created",
  exited: "exited",
  stopped: "exited",
  dead: "exited",
};
export type ContainerPhase = "created" | "running" | "exited";

const inspectedSchema = z.tuple([
  z.object({
    Id: z.string(),
    State: z.object({
      Status: z.string(),
      Pid: z.int(),
      ExitCode: z.int(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
    }),
  }),
]);

const labelsSchema = z.record(z.string(), z.string()).nullable();

/** What the engine says of a container. */
export interface Container {
  readonly id: string;
  readonly phase: ContainerPhase;
  /** Of its first process on this host; 0 when it does not run. */
  readonly pid: number;
  readonly exitCode: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** What an engine said to a command that it refused. */
export class RuntimeRefusal extends Error {
  override readonly name = "RuntimeRefusal";
  /** The name is another container's. */
  readonly isNameTaken: boolean;

  constructor(stderr: string) {
    const lines = stderr.trim().split("\n");
    // The engine's word, not the hint to `--help` below it.
    const line = lines.find((each) => /error|cannot/i.test(each)) ?? lines[0] ?? "";
    super(line.replace(/^(Error response from daemon: |Error: )+/, ""));
    this.isNameTaken = /name .* is already in use/.test(stderr);
  }
}

interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Docker or Podman by their commands, so that contexts, remote hosts and logins work as they do for the user. */
export class ContainerRuntime {
  readonly place: RuntimePlace;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(place: RuntimePlace) {
    this.place = place;
    const unset = VARIABLES[place.program].map((name) => [name, undefined] as const);
    this.#env = { ...Object.fromEntries(unset), ...place.variables };
  }

  /**
   * The engine that was asked for, else Docker, else Podman.
   * @throws UserError where it is not installed
   */
  static async find(asked?: RuntimeProgram): Promise<ContainerRuntime> {
    for (const program of asked === undefined ? (["docker", "podman"] as const) : [asked]) {
      if ((await which(program, { nothrow: true })) === null) continue;
      const variables: Record<string, string> = Object.fromEntries(
        VARIABLES[program].flatMap((name) => {
          const value = process.env[name] ?? "";
          return value === "" ? [] : [[name, value] as const];
        }),
      );
      if (program === "docker" && variables.DOCKER_HOST === undefined) {
        // Another context may be the user's by the time that somebody asks.
        const { stdout, failed } = await execa(program, ["context", "show"], { reject: false });
        if (!failed && stdout !== "") variables.DOCKER_CONTEXT = stdout.trim();
      }
      return new ContainerRuntime({ program, variables });
    }
    throw new UserError(
      `${asked ?? "docker, podman"}: not on PATH; install one of them, as with \`apt-get install docker.io\``,
    );
  }

  /**
   * A container by its name or id; undefined when there is none.
   * @throws UserError when the engine does not answer
   */
  async inspect(name: string): Promise<Container | undefined> {
    const found = await this.#run(["container", "inspect", name]);
    if (found.exitCode !== 0) {
      if (/no such (container|object)|no container with name/i.test(found.stderr)) return undefined;
      throw this.#silent(found.stderr);
    }
    const [{ Id: id, State: state }] = inspectedSchema.parse(JSON.parse(found.stdout));
    return {
      id,
      phase: PHASES[state.Status] ?? "running",
      pid: state.Pid,
      exitCode: state.ExitCode,
      startedAt: new Date(state.StartedAt),
      finishedAt: new Date(state.FinishedAt),
    };
  }

  /**
   * Makes a container, which is the claim to its name.
   * @param args of `create`; nothing secret, as everybody on the host can read them while it runs
   * @param variables for the container, secret or not: they go to the engine through a pipe
   * @throws RuntimeRefusal
   */
  async create(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const input = Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`)
      .join("");
    const envFile = input === "" ? [] : ["--env-file", "/dev/stdin"];
    const said = await this.#must(["create", ...envFile, ...args], input);
    return said.split("\n").at(-1) ?? "";
  }

  /** @throws RuntimeRefusal */
  async start(name: string): Promise<void> {
    await this.#must(["start", name]);
  }

  /** SIGTERM, and SIGKILL after so many seconds. @throws RuntimeRefusal */
  async stop(name: string, seconds: number): Promise<void> {
    await this.#must(["stop", "--time", String(seconds), name]);
  }

  /** Removes a container with all that it is, running or not; one that is gone is no error. */
  async remove(name: string): Promise<void> {
    const { exitCode, stderr } = await this.#run(["rm", "--force", "--volumes", name]);
    if (exitCode !== 0 && !/no such container|no container with name|already in progress/i.test(stderr))
      throw new RuntimeRefusal(stderr);
  }

  /** Waits until a container has ended, or until the engine goes away. It ends with us, however we end. */
  async wait(name: string): Promise<void> {
    const args = ["--pdeathsig", "KILL", "--", this.place.program, "wait", name];
    await execa("setpriv", args, { env: this.#env, stdio: "ignore", reject: false });
  }

  /**
   * Labels of an image that is there; undefined: it is not.
   * @throws UserError when the engine does not answer
   */
  async imageLabels(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const found = await this.#run(["image", "inspect", "--format", "{{json .Config.Labels}}", name]);
    if (found.exitCode === 0) return labelsSchema.parse(JSON.parse(found.stdout)) ?? {};
    // Docker without Config in its answer, as of an image that was imported, has no labels either.
    if (/map has no entry|nil pointer/.test(found.stderr)) return {};
    if (/no such (image|object)|not known/i.test(found.stderr)) return undefined;
    throw this.#silent(found.stderr);
  }

  /** Whether its builder knows `RUN --mount`: Podman's does, and Docker's when buildx is there. */
  async hasCacheMounts(): Promise<boolean> {
    if (this.place.program === "podman") return true;
    if (process.env.DOCKER_BUILDKIT === "0") return false;
    return (await this.#run(["buildx", "version"])).exitCode === 0;
  }

  /**
   * Builds an image; what the builder says goes to standard error.
   * @param args of `build`
   * @throws RuntimeRefusal
   */
  async build(args: readonly string[]): Promise<void> {
    const isBuildx = this.place.program === "docker" && (await this.hasCacheMounts());
    const { exitCode } = await execa(
      this.place.program,
      ["build", ...(isBuildx ? ["--load"] : []), ...args],
      {
        env: {
          ...this.#env,
          ...(this.place.program === "docker" && { DOCKER_BUILDKIT: isBuildx ? "1" : "0" }),
        },
        stdio: ["ignore", process.stderr, process.stderr],
        reject: false,
      },
    );
    if (exitCode !== 0) throw new RuntimeRefusal(`exit code ${exitCode ?? "of nobody"}`);
  }

  /** Names of the runtimes that Docker has; none where it does not answer. */
  async runtimes(): Promise<string[]> {
    const { exitCode, stdout } = await this.#run(["info", "--format", "{{json .Runtimes}}"]);
    if (exitCode !== 0) return [];
    const runtimes = z.record(z.string(), z.unknown()).nullable().safeParse(JSON.parse(stdout));
    return Object.keys(runtimes.data ?? {});
  }

  /**
   * `run` with this process's standard streams, to its end: the exit code, which is the container's or the engine's own. Signals
   * that ask this process to end go on to it; the container gets so many seconds.
   */
  async run(name: string, args: readonly string[], graceSeconds: number): Promise<number> {
    const child = execa(this.place.program, ["run", "--rm", "--name", name, ...args], {
      env: this.#env,
      stdio: "inherit",
      reject: false,
    });
    const end = (): void => void this.stop(name, graceSeconds).catch(() => child.kill("SIGTERM"));
    // A terminal interrupts everybody in it, the engine's command too, and that passes it on.
    const interrupt = process.stdin.isTTY ? (): void => undefined : end;
    process.on("SIGTERM", end).on("SIGHUP", end).on("SIGINT", interrupt);
    const { exitCode, signal } = await child;
    process.off("SIGTERM", end).off("SIGHUP", end).off("SIGINT", interrupt);
    return exitCode ?? 128 + (signal === undefined ? 1 : constants.signals[signal]);
  }

  async #must(args: readonly string[], input = ""): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#run(args, input);
    if (exitCode !== 0) throw new RuntimeRefusal(stderr);
    return stdout;
  }

  async #run(args: readonly string[], input = ""): Promise<Said> {
    const { program } = this.place;
    const settings = { env: this.#env, reject: false } as const;
    const { exitCode, stdout, stderr } =
      input === ""
        ? await execa(program, args, { ...settings, stdin: "ignore" })
        : // Node gives its children sockets, which cannot be opened as /dev/stdin; `cat` makes a pipe of it.
          await execa("sh", ["-c", 'cat | "$@"', "sh", program, ...args], { ...settings, input });
    return { exitCode, stdout, stderr };
  }

  #silent(stderr: string): UserError {
    const { program, variables } = this.place;
    const where = variables.DOCKER_HOST ?? variables.DOCKER_CONTEXT ?? variables.CONTAINER_HOST ?? "";
    return new UserError(
      `${[program, where].filter(Boolean).join(" at ")}: the engine does not answer: ${new RuntimeRefusal(stderr).message}; start it and ask again`,
    );
  }
}
