import { constants } from "node:os";
import { execa } from "execa";
import which from "which";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";

// Variables that choose the daemon, host or storage of a command.
const VARIABLES = {
  docker: ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"],
  podman: ["CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR"],
} as const;

/** A container runtime and where it is, so that another process with another environment can use the same one. */
export const runtimePlaceSchema = z.object({
  program: z.enum(["docker", "podman"]),
  variables: z.record(z.string(), z.string()),
});
export type RuntimePlace = z.output<typeof runtimePlaceSchema>;
export type RuntimeProgram = RuntimePlace["program"];

// Docker's and Podman's names of states.
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

/** A container's state in the runtime. */
export interface Container {
  readonly id: string;
  readonly phase: ContainerPhase;
  /** Its first process on this host; 0 if it does not run. */
  readonly pid: number;
  readonly exitCode: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** The error of a command that the runtime refused. */
export class RuntimeRefusal extends Error {
  override readonly name = "RuntimeRefusal";
  /** Whether another container has the name. */
  readonly isNameTaken: boolean;

  constructor(stderr: string) {
    const lines = stderr.trim().split("\n");
    // The error itself, not the hint to `--help` below it.
    const line = lines.find((each) => /error|cannot/i.test(each)) ?? lines[0] ?? "";
    super(line.replace(/^(Error response from daemon: |Error: )+/, ""));
    this.isNameTaken = /name .* is already in use/.test(stderr);
  }
}

interface CommandResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the commands of Docker or Podman, so that contexts, remote hosts and logins work as they do for the user. */
export class ContainerRuntime {
  readonly place: RuntimePlace;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(place: RuntimePlace) {
    this.place = place;
    const unset = VARIABLES[place.program].map((name) => [name, undefined] as const);
    this.#env = { ...Object.fromEntries(unset), ...place.variables };
  }

  /**
   * The requested runtime, otherwise Docker, otherwise Podman.
   * @throws UserError if it is not installed
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
        // Remember the context: the user may switch to another one.
        const { stdout, failed } = await execa(program, ["context", "show"], { reject: false });
        if (!failed && stdout !== "") variables.DOCKER_CONTEXT = stdout.trim();
      }
      return new ContainerRuntime({ program, variables });
    }
    throw new UserError(
      `${asked ?? "docker, podman"}: not on PATH; install one of them, for example with \`apt-get install docker.io\``,
    );
  }

  /**
   * A container by its name or id; undefined if there is none.
   * @throws UserError if the runtime does not answer
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
   * Creates a container, which reserves its name.
   * @param args arguments of `create`; no secrets, as every user of the host can read them
   * @param variables for the container, also secret ones: they are passed through a pipe
   * @throws RuntimeRefusal
   */
  async create(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const input = Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`)
      .join("");
    const envFile = input === "" ? [] : ["--env-file", "/dev/stdin"];
    const output = await this.#must(["create", ...envFile, ...args], input);
    return output.split("\n").at(-1) ?? "";
  }

  /** @throws RuntimeRefusal */
  async start(name: string): Promise<void> {
    await this.#must(["start", name]);
  }

  /** Sends SIGTERM, and SIGKILL after `seconds`. @throws RuntimeRefusal */
  async stop(name: string, seconds: number): Promise<void> {
    await this.#must(["stop", "--time", String(seconds), name]);
  }

  /** Removes a container and its volumes, running or not; a missing one is no error. */
  async remove(name: string): Promise<void> {
    const { exitCode, stderr } = await this.#run(["rm", "--force", "--volumes", name]);
    if (exitCode !== 0 && !/no such container|no container with name|already in progress/i.test(stderr))
      throw new RuntimeRefusal(stderr);
  }

  /** Waits until a container ends or the runtime stops answering. The waiting command ends with this process, even after SIGKILL. */
  async wait(name: string): Promise<void> {
    const args = ["--pdeathsig", "KILL", "--", this.place.program, "wait", name];
    await execa("setpriv", args, { env: this.#env, stdio: "ignore", reject: false });
  }

  /**
   * Labels of an image; undefined if the runtime does not have the image.
   * @throws UserError if the runtime does not answer
   */
  async imageLabels(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const found = await this.#run(["image", "inspect", "--format", "{{json .Config.Labels}}", name]);
    if (found.exitCode === 0) return labelsSchema.parse(JSON.parse(found.stdout)) ?? {};
    // Docker's answer has no Config for an imported image, which has no labels.
    if (/map has no entry|nil pointer/.test(found.stderr)) return {};
    if (/no such (image|object)|not known/i.test(found.stderr)) return undefined;
    throw this.#silent(found.stderr);
  }

  /** Whether its builder supports `RUN --mount`: Podman's does, Docker's only with buildx. */
  async hasCacheMounts(): Promise<boolean> {
    if (this.place.program === "podman") return true;
    if (process.env.DOCKER_BUILDKIT === "0") return false;
    return (await this.#run(["buildx", "version"])).exitCode === 0;
  }

  /**
   * Builds an image; the build's output goes to standard error.
   * @param args arguments of `build`
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
    if (exitCode !== 0) throw new RuntimeRefusal(`exit code ${exitCode ?? "unknown"}`);
  }

  /** Names of Docker's OCI runtimes; none if it does not answer. */
  async runtimes(): Promise<string[]> {
    const { exitCode, stdout } = await this.#run(["info", "--format", "{{json .Runtimes}}"]);
    if (exitCode !== 0) return [];
    const runtimes = z.record(z.string(), z.unknown()).nullable().safeParse(JSON.parse(stdout));
    return Object.keys(runtimes.data ?? {});
  }

  /**
   * Runs `run` with this process's standard streams; returns the exit code of the container or of the runtime. If this process
   * is asked to end, it stops the container, with `graceSeconds` before SIGKILL.
   */
  async run(name: string, args: readonly string[], graceSeconds: number): Promise<number> {
    const child = execa(this.place.program, ["run", "--rm", "--name", name, ...args], {
      env: this.#env,
      stdio: "inherit",
      reject: false,
    });
    const end = (): void => void this.stop(name, graceSeconds).catch(() => child.kill("SIGTERM"));
    // In a terminal, Ctrl-C reaches the runtime's command as well, which passes it on.
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

  async #run(args: readonly string[], input = ""): Promise<CommandResult> {
    const { program } = this.place;
    const settings = { env: this.#env, reject: false } as const;
    const { exitCode, stdout, stderr } =
      input === ""
        ? await execa(program, args, { ...settings, stdin: "ignore" })
        : // Node's children get a socket, which cannot be opened as /dev/stdin; `cat` turns it into a pipe.
          await execa("sh", ["-c", 'cat | "$@"', "sh", program, ...args], { ...settings, input });
    return { exitCode, stdout, stderr };
  }

  #silent(stderr: string): UserError {
    const { program, variables } = this.place;
    const where = variables.DOCKER_HOST ?? variables.DOCKER_CONTEXT ?? variables.CONTAINER_HOST ?? "";
    return new UserError(
      `${[program, where].filter(Boolean).join(" at ")}: the container runtime does not answer: ${new RuntimeRefusal(stderr).message}; start it and try again`,
    );
  }
}
