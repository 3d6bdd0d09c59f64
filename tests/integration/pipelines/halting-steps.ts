import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEST_IMAGE } from "../../support/docker.ts";
import { resolved, serveRepository } from "../../support/fake-hub.ts";
import { file, status, type FaultServer } from "../../support/fault-server.ts";
import type { WorkshopStage } from "./workshop-stage.ts";

const CONTENT = Buffer.alloc(1_000_000, "0123456789");
const ROWS = Buffer.from(`a,b\n${"1,2\n".repeat(50_000)}`);

/** A step of each type that comes to a halt in the middle: programs for $HOLD seconds, everything else until it is released. */
export class HaltingSteps {
  readonly #stage: WorkshopStage;
  readonly #server: FaultServer;
  readonly #token: string;
  readonly #folder: string;
  readonly #context: string;
  readonly built: string;
  readonly pushed: string;
  #hubFiles: readonly string[] = [];

  /** @param token without which the hub gives nothing out */
  constructor(stage: WorkshopStage, server: FaultServer, token: string) {
    this.#stage = stage;
    this.#server = server;
    this.#token = token;
    this.#folder = join(stage.web.temporal.folder, "halting");
    mkdirSync(this.#folder);
    this.#context = stage.context("slow");
    this.built = stage.image("built");
    this.pushed = stage.image("pushed");
  }

  /** Prepares everything and returns the steps. */
  async make(): Promise<object[]> {
    writeFileSync(join(this.#context, "hello.sh"), "");
    this.#stage.writeDockerfile(this.#context, 7501);
    await this.#stage.engine.docker("tag", TEST_IMAGE, this.pushed);
    this.#stage.registry.pause();
    const url = this.#server.on("/large", file(CONTENT, { tag: '"1"', stallAfter: 300_000 }));
    this.#serveHub();
    const env = { HF_ENDPOINT: this.#server.origin };
    const cache = { cache_dir: join(this.#folder, "hub") };
    const steps = [
      { id: "command", type: "command", ...this.#program("command") },
      { id: "once", type: "command", ...this.#program("once"), retry: { attempts: 1 }, allow_failure: true },
      { id: "package", type: "package_build", package_build: this.#program("package") },
      { id: "download", type: "download", download: { url, output: join(this.#folder, "large") } },
      { id: "build", type: "docker_build", docker_build: { image: this.built, context: this.#context } },
      { id: "push", type: "docker_push", docker_push: { image: this.pushed } },
      {
        ...{ id: "job", type: "container_job", env: { SYGALDRY_IMAGE: TEST_IMAGE } },
        container_job: { command: "echo in; sleep $HOLD; echo done", launcher_path: this.#stage.launcher },
      },
      { id: "model", type: "hf_download_model", env, hf_download_model: { model_id: "tests/m", ...cache } },
      {
        ...{ id: "rows", type: "hf_download_dataset", env },
        hf_download_dataset: { dataset_id: "tests/d", ...cache },
      },
    ];
    return steps.map((step) => ({ retry: { initial_seconds: 0.1 }, ...step }));
  }

  /** What tells of each that it is in its middle. */
  begun(programs: () => readonly string[]): (() => boolean | Promise<boolean>)[] {
    const asked = (path: string): number => this.#server.asked.filter((each) => each.path === path).length;
    return [
      () => ["command", "once", "package"].every((id) => this.tries(id) === 1),
      () => asked("/large") === 1 && existsSync(join(this.#folder, "large.part")),
      async () => (await this.#stage.engine.containers()).length === 2,
      () => programs().some((line) => line.includes("docker push")),
      // A question for the size, and one for the content.
      ...this.#hubFiles.map((path) => () => asked(path) >= 2),
    ];
  }

  /** Lets everything come to its end that somebody tries from now on. */
  release(): void {
    this.#stage.writeDockerfile(this.#context, 0);
    this.#stage.registry.resume();
    this.#server.on("/large", file(CONTENT, { tag: '"1"' }));
    for (const [index, path] of this.#hubFiles.entries())
      this.#server.on(path, resolved(index === 0 ? CONTENT : ROWS));
  }

  /** How often a program has begun. */
  tries(id: string): number {
    const path = join(this.#folder, `tries-${id}`);
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
  }

  /** Whether the download has what it was to have, and asked for nothing twice. */
  get isDownloaded(): boolean {
    const ranges = JSON.stringify(this.#server.ranges("/large"));
    return ranges === '[null,"bytes=300000-"]' && readFileSync(join(this.#folder, "large")).equals(CONTENT);
  }

  #program(id: string): { command: string; args: string[] } {
    const tries = join(this.#folder, `tries-${id}`);
    return { command: "sh", args: ["-c", `echo try >> ${tries}; sleep $HOLD; echo done`] };
  }

  #serveHub(): void {
    const token = this.#token;
    const model = serveRepository(this.#server, {
      ...{ kind: "models", id: "tests/m", token },
      files: { "model.bin": CONTENT },
    });
    const dataset = serveRepository(this.#server, {
      ...{ kind: "datasets", id: "tests/d", token },
      files: { "README.md": Buffer.from("# rows\n"), "train.csv": ROWS },
    });
    this.#hubFiles = [model["model.bin"] ?? "", dataset["train.csv"] ?? ""];
    for (const [index, path] of this.#hubFiles.entries())
      this.#server.on(path, resolved(index === 0 ? CONTENT : ROWS, { stallAfter: 1000 }));
  }
}

/** A step whose hub tells its clients what they sent, as some do; the library prints it. */
export function tellingStep(server: FaultServer, token: string): object {
  const path = "/api/models/tests/closed/revision/main";
  server.on(path, status(403, { "x-error-message": `${token} may not see tests/closed` }));
  return {
    ...{ id: "telling", type: "hf_download_model", allow_failure: true },
    env: { HF_ENDPOINT: server.origin },
    hf_download_model: { model_id: "tests/closed", cache_dir: "/tmp" },
  };
}
