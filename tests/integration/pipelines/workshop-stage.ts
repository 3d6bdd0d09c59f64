import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { lacks } from "../../required.ts";
import { DockerEngine, TEST_IMAGE } from "../../support/docker.ts";
import { Registry } from "../../support/registry.ts";
import { WebStage } from "../../support/web.ts";

/** Why there can be no workshop here; undefined where there can. */
export async function workshopLacks(): Promise<string | undefined> {
  return (await lacks("Temporal")) ?? (await lacks("root", "Docker")) ?? (await lacks("docker-registry"));
}

const DOCKERFILE = `FROM ${TEST_IMAGE}
ARG GREETING
COPY hello.sh /hello.sh
RUN ["bash", "-c", "echo building with $GREETING; sleep PAUSE"]
`;

/** Temporal, a worker and the page; a Docker engine, and a registry that it reaches: of one file's tests. */
export class WorkshopStage {
  readonly engine = new DockerEngine();
  readonly registry = new Registry(this.engine);
  readonly web: WebStage;
  readonly launcher = join(import.meta.dirname, "../../support/launcher.sh");

  /**
   * Registers its own setting up and taking down with vitest.
   * @param env added to the environment of every command
   */
  constructor(env: Readonly<Record<string, string>> = {}) {
    beforeAll(async () => {
      await this.engine.start();
      await this.engine.makeImage();
      await this.registry.start();
    });
    this.web = new WebStage({ ...this.engine.env, ...env });
    afterAll(async () => {
      await this.registry.end();
      await this.engine.remove();
    });
  }

  /** Makes a build context; its `hello.sh` is somebody else's part. */
  context(name: string): string {
    const folder = join(this.engine.folder, name);
    mkdirSync(folder);
    this.writeDockerfile(folder, 0);
    return folder;
  }

  /** @param seconds how long its build takes at least */
  writeDockerfile(folder: string, seconds: number): void {
    writeFileSync(join(folder, "Dockerfile"), DOCKERFILE.replace("PAUSE", String(seconds)));
  }

  image(name: string): string {
    return `${this.registry.name}/tests/${name}:1`;
  }
}
