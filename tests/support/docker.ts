import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import which from "which";
import { Running, type Said } from "./command.ts";
import { isAlive } from "./processes.ts";

/** Programs of the test image, from this host. */
export const PROGRAMS = [
  "bash",
  "cat",
  "sleep",
  "head",
  "seq",
  "base64",
  "tr",
  "env",
  "true",
  "id",
  "date",
  "kill",
];
export const TEST_IMAGE = "ai-how-test:1";

/** A Docker engine with a folder, a socket and a network namespace of its own; it neither sees nor disturbs the host's. */
export class DockerEngine {
  readonly folder = mkdtempSync(join(tmpdir(), "ai-how-docker-"));
  readonly host = `unix://${join(this.folder, "docker.sock")}`;
  readonly #isLiveRestore: boolean;
  #daemon: Running | undefined;

  /** @param options.liveRestore whether containers outlive the daemon */
  constructor({ liveRestore = false } = {}) {
    this.#isLiveRestore = liveRestore;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    // What a killed daemon leaves; its containerd goes with it, and a reboot empties /run.
    const containerd = join(this.folder, "exec", "containerd", "containerd.pid");
    if (existsSync(containerd) && !isAlive(Number(readFileSync(containerd, "utf8")))) rmSync(containerd);
    this.#daemon = new Running(
      "setpriv",
      [
        ...["--pdeathsig", "TERM", "--", "unshare", "--net"],
        // A network namespace begins without a loopback interface that is up.
        ...["sh", "-c", 'ip link set lo up && exec "$@"', "sh", "dockerd", "--host", this.host],
        ...["--data-root", join(this.folder, "data"), "--exec-root", join(this.folder, "exec")],
        ...["--pidfile", join(this.folder, "pid"), "--bridge", "none", "--iptables=false"],
        // Forwarding is switched on, in this namespace alone: without it every container begins with a warning.
        "--ip-masq=false",
        ...(this.#isLiveRestore ? ["--live-restore"] : []),
      ],
      { minutes: 30 },
    );
    for (let tries = 0; (await this.docker("version")).exitCode !== 0; tries++) {
      if (tries > 100) throw new Error(`dockerd does not answer:\n${this.#daemon.output}`);
      await sleep(200);
    }
  }

  /** Makes the test image: nothing is fetched. */
  async makeImage(): Promise<void> {
    const tar = imageOf(join(this.folder, "image"));
    await tar.pipe(execa("docker", ["import", "-", TEST_IMAGE], { env: this.env }));
  }

  get env(): Record<string, string> {
    return { DOCKER_HOST: this.host };
  }

  /** What begins a command line of something that runs in the engine's network namespace. */
  get inNetwork(): readonly string[] {
    if (this.#daemon === undefined) throw new Error("there is no daemon");
    return ["nsenter", `--net=/proc/${this.#daemon.pid}/ns/net`, "--"];
  }

  docker(...args: string[]): Promise<Said> {
    return new Running("docker", args, { env: this.env }).ended;
  }

  /** Runs a program where the containers' published ports are. */
  runInNetwork(...words: string[]): Promise<Said> {
    const [enter = "", ...rest] = this.inNetwork;
    return new Running(enter, [...rest, ...words]).ended;
  }

  /** Names of all containers that there are. */
  async containers(): Promise<string[]> {
    const { stdout } = await this.docker("ps", "--all", "--format", "{{.Names}}");
    return stdout.split("\n").filter(Boolean);
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (this.#daemon === undefined || !isAlive(this.#daemon.pid)) return;
    process.kill(this.#daemon.pid, signal);
    await this.#daemon.ended;
    this.#daemon = undefined;
  }

  /** Ends it with everything that it runs, and takes its folder away. */
  async remove(): Promise<void> {
    // Containers that outlive it have to go, too.
    if (this.#daemon === undefined && this.#isLiveRestore) await this.start();
    const { stdout } = await this.docker("ps", "--all", "--quiet");
    const ids = stdout.split("\n").filter(Boolean);
    if (ids.length > 0) await this.docker("rm", "--force", ...ids);
    await this.end("SIGTERM");
    for (const mount of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
      const point = mount.split(" ")[4] ?? "";
      if (point.startsWith(`${this.folder}/`)) execFileSync("umount", [point]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * An image's files from programs of this host and their libraries, as a running `tar`.
 * @param root where they are put together; what is there already goes in, too
 */
export function imageOf(root: string, programs: readonly string[] = PROGRAMS) {
  // As distributions have it: a script begins with /bin/bash, wherever Bash is.
  for (const folder of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", folder), { recursive: true });
    if (!existsSync(join(root, folder))) symlinkSync(`usr/${folder}`, join(root, folder));
  }
  const add = (file: string): void => {
    const target = join(root, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(realpathSync(file), target);
  };
  for (const name of programs) {
    const file = which.sync(name);
    add(file);
    const libraries = execFileSync("ldd", [file], { encoding: "utf8" });
    for (const [library] of libraries.matchAll(/\/\S+/g)) add(library);
  }
  mkdirSync(join(root, "tmp"), { recursive: true });
  return execa("tar", ["--directory", root, "--create", "."], { encoding: "buffer" });
}
