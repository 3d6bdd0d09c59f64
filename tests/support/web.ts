import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import type { Running } from "./command.ts";
import { TemporalStage } from "./temporal.ts";

const listSchema = z.array(
  z.object({ workflowId: z.string(), runId: z.string(), progress: z.string(), status: z.string() }),
);

/** A step that is a script of the shell. */
export function sh(id: string, script: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { id, type: "command", command: "sh", args: ["-c", script], ...more };
}

/** A Temporal server, a worker and the page's server of one file's tests. */
export class WebStage {
  readonly temporal: TemporalStage;
  url = "";
  #worker: Running | undefined;
  #plans = 0;

  /**
   * Registers its own setting up and taking down with vitest.
   * @param env added to the environment of every command
   */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.temporal = new TemporalStage(env);
    beforeAll(async () => {
      await mkdir(this.temporal.logs, { recursive: true });
      this.#worker = await this.temporal.worker();
      ({ url: this.url } = await this.serve());
    });
  }

  /** The worker that was there from the beginning. */
  get worker(): Running {
    if (this.#worker === undefined) throw new Error("there is no worker");
    return this.#worker;
  }

  /** Starts `ai-how pipeline web` at a port of its own. */
  async serve(...args: string[]): Promise<{ url: string; server: Running }> {
    const server = this.temporal.start("web", "--port", "0", ...args);
    await server.until(/^http:.*\n/m);
    return { url: /^http:\S+/m.exec(server.output)?.[0] ?? "", server };
  }

  /** Starts a plan; returns the id of its run. */
  async run(workflowId: string, steps: readonly object[], more = {}): Promise<string> {
    const file = join(this.temporal.folder, `plan-${(this.#plans += 1)}.yaml`);
    await writeFile(file, stringify({ ...more, steps }));
    const said = await this.temporal.run("run", file, "--workflow-id", workflowId, "--detach");
    expect(said.exitCode, said.output).toBe(0);
    return said.output.trim().split(" ").at(-1) ?? "";
  }

  async list(): Promise<z.infer<typeof listSchema>> {
    return listSchema.parse(await (await fetch(new URL("/api/runs", this.url))).json());
  }

  /** Waits until a run has a status. */
  async until(runId: string, status: string, seconds = 60): Promise<void> {
    await expect
      .poll(async () => (await this.list()).find((each) => each.runId === runId)?.status, {
        timeout: seconds * 1000,
      })
      .toBe(status);
  }
}
