import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { stringify } from "yaml";
import { Running } from "./command.ts";
import type { DockerEngine } from "./docker.ts";

/** A registry on loopback, in the network namespace of an engine that pushes to it and pulls from it. */
export class Registry {
  /** What begins the names of its images. */
  readonly name = "127.0.0.1:5000";
  readonly #engine: DockerEngine;
  #server: Running | undefined;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  async start(): Promise<void> {
    const folder = join(this.#engine.folder, "registry");
    const config = join(folder, "config.yml");
    mkdirSync(folder);
    writeFileSync(
      config,
      stringify({
        version: 0.1,
        log: { level: "error" },
        storage: { filesystem: { rootdirectory: join(folder, "data") } },
        http: { addr: this.name },
      }),
    );
    await this.#run("ip", "link", "set", "lo", "up");
    const [enter = "", ...rest] = this.#engine.inNetwork;
    this.#server = new Running(enter, [...rest, "docker-registry", "serve", config], { minutes: 30 });
    for (let tries = 0; (await this.#run("nc", "-z", ...this.name.split(":"))).failed; tries++) {
      if (tries > 50) throw new Error(`the registry does not answer:\n${this.#server.output}`);
      await sleep(200);
    }
  }

  /** Answers nobody until `resume`, as a registry with a stuck disk. */
  pause(): void {
    process.kill(this.#pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  async end(): Promise<void> {
    await this.#server?.kill();
  }

  get #pid(): number {
    if (this.#server === undefined) throw new Error("there is no registry");
    return this.#server.pid;
  }

  #run(program: string, ...args: string[]) {
    const [enter = "", ...rest] = this.#engine.inNetwork;
    return execa(enter, [...rest, program, ...args], { reject: false });
  }
}
