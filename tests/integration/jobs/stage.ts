import { globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { aiHowCommand, Running, type Said } from "../../support/command.ts";
import { DockerEngine, TEST_IMAGE } from "../../support/docker.ts";
import { processes } from "../../support/processes.ts";

export const PROJECT = "tests";

/** Jobs of one file's tests, on an engine of their own. */
export class JobStage {
  readonly engine: DockerEngine;

  /** Registers its own setting up and taking down with vitest: make it inside the `describe` that it is for. */
  constructor(options: { liveRestore?: boolean } = {}) {
    this.engine = new DockerEngine(options);
    beforeAll(async () => {
      await this.engine.start();
      await this.engine.makeImage();
      mkdirSync(this.workspace);
    });
    afterAll(async () => {
      for (const { pid } of this.supervisors()) process.kill(pid, "SIGKILL");
      await this.engine.remove();
    });
  }

  get root(): string {
    return join(this.engine.folder, "root");
  }

  get workspace(): string {
    return join(this.engine.folder, "workspace");
  }

  /** Starts `ai-how job COMMAND`. */
  launch(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return new Running(aiHowCommand, ["job", command, ...args], {
      env: {
        ...this.engine.env,
        SYGALDRY_CONTAINER_ROOT: this.root,
        SYGALDRY_PROJECT_ID: PROJECT,
        SYGALDRY_IMAGE: TEST_IMAGE,
        ...env,
      },
    });
  }

  /** `ai-how job COMMAND --job NAME ...` to its end. */
  ask(command: string, job: string, ...args: string[]): Promise<Said> {
    return this.launch(command, ["--job", job, ...args]).ended;
  }

  /** `ai-how job run` with options, of a line of bash. */
  run(job: string, line: string, ...options: string[]): Promise<Said> {
    return this.launch("run", this.runArguments(job, line, ...options)).ended;
  }

  runArguments(job: string, line: string, ...options: string[]): string[] {
    return ["--project-root", this.workspace, "--job", job, ...options, "--", line];
  }

  /** The status line. */
  async status(job: string): Promise<string> {
    return (await this.ask("status", job)).stdout;
  }

  async report(job: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.ask("status", job, "--json")).stdout) as Record<string, unknown>;
  }

  /** What a job has printed, all of its files together. */
  async output(job: string): Promise<Buffer> {
    const { log } = await this.report(job);
    const former = globSync(`${String(log)}.*`).sort(
      (a, b) => Number(b.split(".").at(-1)) - Number(a.split(".").at(-1)),
    );
    return Buffer.concat([...former, String(log)].flatMap((file) => readIfThere(file)));
  }

  supervisors(): ReturnType<typeof processes> {
    return processes().filter(
      ({ arguments: args }) =>
        args.some((each) => each.endsWith("jobs/main.ts")) && args.at(-1)?.startsWith(this.root),
    );
  }

  /** Kills a job's supervisor as nobody can catch it. */
  killSupervisor(job: string): void {
    const found = this.supervisors().filter(({ arguments: args }) => args.at(-1)?.includes(`/${job}-`));
    if (found.length === 0) throw new Error(`${job} has no supervisor`);
    for (const { pid } of found) process.kill(pid, "SIGKILL");
  }
}

function readIfThere(file: string): Buffer[] {
  try {
    return [readFileSync(file)];
  } catch {
    return [];
  }
}
