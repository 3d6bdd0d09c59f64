import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { stringify } from "yaml";
import type { EngineEvent, Operation, Summary } from "../../engine/events.ts";
import { outputsOf, type Engine } from "../../engine/engine.ts";
import { InProcessEngine } from "../../engine/in-process/index.ts";
import { preview } from "../../engine/policies.ts";
import { inProcessState } from "../../engine/project.ts";
import { PulumiEngine } from "../../engine/pulumi/index.ts";

export const repository = resolve(import.meta.dirname, "../..");

/** What one run of an engine did. */
export interface Run {
  readonly summary: Summary;
  readonly error: Error | undefined;
  readonly events: readonly EngineEvent[];
}

const PROJECT = {
  name: "trial",
  runtime: { name: "nodejs", options: { typescript: false } },
  main: "index.ts",
  options: { refresh: "always" },
  plugins: {
    providers: ["host", "libvirt"].map((name) => ({ name, path: join(repository, "providers", name) })),
  },
};

/** A small Pulumi project in a folder of its own, gone after the test or, where it is kept, by `remove`. */
export class Project {
  readonly root: string;
  readonly stack = "test";
  readonly #cli: string | undefined;

  private constructor(root: string, cli: string | undefined) {
    this.root = root;
    this.#cli = cli;
  }

  /**
   * Makes a project; `program` is the body of its index.ts after the imports `pulumi`, `command`, `host`.
   * @param options.cli of Pulumi, whose engine runs the project then; default: the in-process engine does
   */
  static async create(
    program: string,
    { keep = false, cli }: { readonly keep?: boolean; readonly cli?: string } = {},
  ): Promise<Project> {
    const root = await mkdtemp(join(tmpdir(), "ai-how-engine-"));
    const project = new Project(root, cli);
    if (!keep) onTestFinished(() => project.remove());
    await symlink(join(repository, "node_modules"), join(root, "node_modules"));
    await writeFile(join(root, "package.json"), '{"type": "module"}');
    await writeFile(join(root, "Pulumi.yaml"), stringify(PROJECT));
    await writeFile(join(root, "Pulumi.test.yaml"), "config: {}\n");
    await project.program(program);
    return project;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  async program(body: string): Promise<void> {
    const imports = [
      'import * as pulumi from "@pulumi/pulumi";',
      'import * as command from "@pulumi/command";',
      `import * as host from ${JSON.stringify(join(repository, "providers/host/resources.ts"))};`,
      "void command; void host;",
    ];
    await writeFile(join(this.root, "index.ts"), `${imports.join("\n")}\n${body}\n`);
  }

  get engine(): InProcessEngine {
    return new InProcessEngine(this);
  }

  /** The engine that runs it. */
  get ownEngine(): Engine {
    return this.#cli === undefined ? this.engine : new PulumiEngine(this, this.#cli);
  }

  get stateFile(): string {
    return inProcessState(this);
  }

  async run(
    operation: "preview" | "up" | "refresh" | "down",
    {
      abort = new AbortController(),
      engine = this.ownEngine,
      replace,
    }: {
      readonly abort?: AbortController;
      readonly engine?: Engine;
      readonly replace?: readonly string[];
    } = {},
  ): Promise<Run> {
    const events: EngineEvent[] = [];
    try {
      const options = {
        emit: (event: EngineEvent) => events.push(event),
        signal: abort.signal,
        parallel: 8,
        ...(replace !== undefined && { replace }),
      };
      const summary = await (operation === "preview" ? preview(engine, options) : engine[operation](options));
      return { summary, error: undefined, events };
    } catch (error) {
      return { summary: {}, error: error as Error, events };
    }
  }

  /** The lines of a file in the project's folder; none when it is not there. */
  async lines(file: string): Promise<string[]> {
    const text = await readFile(join(this.root, file), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  async outputs(): Promise<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(await outputsOf(this.ownEngine)).map(([key, { value }]) => [key, value]),
    );
  }
}

/** The names of the resources that a run did something to. */
export function touched(run: Run, operation: Operation): string[] {
  return run.events
    .filter((event) => (event.type === "done" || event.type === "planned") && event.operation === operation)
    .map((event) => ("urn" in event ? (event.urn.split("::").at(-1) ?? "") : ""))
    .sort();
}

/** What failed, as `name: message`. */
export function failures(run: Run): string[] {
  return run.events.flatMap((event) =>
    event.type === "failed" ? [`${event.urn.split("::").at(-1) ?? ""}: ${event.message}`] : [],
  );
}
