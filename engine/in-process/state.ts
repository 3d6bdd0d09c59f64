import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";
import type { StackResource } from "../engine.ts";
import { readOwn } from "../passphrase.ts";
import { SecretBox } from "./secrets.ts";
import { mapValues, type Value, type Values } from "../../wire/values.ts";

const values = z.custom<Values>(
  (value) => value !== null && typeof value === "object" && !Array.isArray(value),
);

const resourceSchema = z.strictObject({
  urn: z.string(),
  type: z.string(),
  /** False for components. */
  custom: z.boolean(),
  id: z.string().optional(),
  parent: z.string().optional(),
  /** `urn::id` of the provider resource; empty for a default provider. */
  provider: z.string().optional(),
  inputs: values,
  outputs: values,
  dependencies: z.array(z.string()).default([]),
  propertyDependencies: z.record(z.string(), z.array(z.string())).default({}),
  additionalSecretOutputs: z.array(z.string()).optional(),
  protect: z.boolean().optional(),
  deletedWith: z.string().optional(),
  ignoreChanges: z.array(z.string()).optional(),
  /** True for a replaced resource that is not deleted yet. */
  pendingDelete: z.boolean().optional(),
});

/** A resource after its last operation. */
export type ResourceState = z.infer<typeof resourceSchema>;

/** A resource in the form that all engines share. */
export function stackResource({ custom, protect = false, ...resource }: ResourceState): StackResource {
  return { ...resource, component: !custom, protect };
}

const stateSchema = z.strictObject({
  version: z.literal(1),
  engine: z.literal("in-process"),
  stack: z.string(),
  serial: z.number(),
  secrets: z.strictObject({ salt: z.string(), proof: z.string() }),
  /** Creations that began and did not end, as after a SIGKILL. */
  pending: z.array(resourceSchema),
  resources: z.array(resourceSchema),
});

interface Content {
  readonly resources: readonly ResourceState[];
  readonly pending: readonly ResourceState[];
  readonly serial: number;
  /** The content of the file; undefined if there is none. */
  readonly written?: unknown;
}

/** The state of one stack: its resources in order of creation. Every save replaces the file atomically. */
export class StackState {
  readonly file: string;
  readonly stack: string;
  /**
   * The encryption. For a new state this reads or makes the passphrase, so call it before the first resource is made: without
   * a passphrase the state cannot be saved.
   */
  readonly openBox: () => Promise<SecretBox>;
  #living: Map<string, ResourceState>;
  /** Replaced resources that are not deleted yet. */
  #replaced: readonly ResourceState[];
  readonly #pending: Map<string, ResourceState>;
  #serial: number;
  #written: unknown;
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  private constructor(
    file: string,
    stack: string,
    openBox: () => Promise<SecretBox>,
    { resources, pending, serial, written }: Content,
  ) {
    this.file = file;
    this.stack = stack;
    this.openBox = openBox;
    this.#replaced = resources.filter(({ pendingDelete }) => pendingDelete === true);
    this.#living = byUrn(resources.filter(({ pendingDelete }) => pendingDelete !== true));
    this.#pending = byUrn(pending);
    this.#serial = serial;
    this.#written = written;
  }

  /** Reads the state; without a file it is empty. @throws UserError that names the backup if the file is damaged */
  static async load(file: string, stack: string, passphrase: () => Promise<string>): Promise<StackState> {
    const text = await readOwn(file);
    if (text === undefined) {
      let made: Promise<SecretBox> | undefined;
      const openBox = (): Promise<SecretBox> =>
        (made ??= passphrase().then((found) => SecretBox.create(found)));
      return new StackState(file, stack, openBox, { resources: [], pending: [], serial: 0 });
    }
    const parsed = stateSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      throw new UserError(
        `${file}: this state file is damaged; the state before the last change is in ${backupOf(file)}: ` +
          `look at both, then \`cp ${basename(backupOf(file))} ${basename(file)}\` and run \`ai-how refresh\``,
      );
    }
    const { data } = parsed;
    const box = SecretBox.open(await passphrase(), data.secrets, file);
    const open = (resource: ResourceState): ResourceState =>
      withValues(resource, (value) => box.unseal(value));
    return new StackState(file, stack, () => Promise.resolve(box), {
      resources: data.resources.map(open),
      pending: data.pending.map(open),
      serial: data.serial,
      written: { ...data, serial: 0 },
    });
  }

  /** A copy for previews; it is never written. */
  detached(): StackState {
    const { resources, pending } = this;
    const copy = new StackState(this.file, this.stack, this.openBox, { resources, pending, serial: 0 });
    copy.save = () => Promise.resolve();
    return copy;
  }

  /** Each after its dependencies. */
  get resources(): readonly ResourceState[] {
    return [...this.#replaced, ...this.#living.values()];
  }

  get pending(): readonly ResourceState[] {
    return [...this.#pending.values()];
  }

  get empty(): boolean {
    return this.resources.length === 0 && this.#pending.size === 0;
  }

  find(urn: string): ResourceState | undefined {
    return this.#living.get(urn);
  }

  /** Adds a resource, or replaces its old state. */
  put(resource: ResourceState): void {
    this.#living.set(resource.urn, resource);
    this.#pending.delete(resource.urn);
  }

  /** Sorts the resources in the order in which the program registered them: parents and dependencies first. */
  reorder(urns: readonly string[]): void {
    const known = urns.flatMap((urn) => this.#living.get(urn) ?? []);
    this.#living = byUrn([...known, ...this.#living.values()]);
  }

  remove(resource: ResourceState): void {
    if (this.#living.get(resource.urn) === resource) this.#living.delete(resource.urn);
    else this.#replaced = this.#replaced.filter((other) => other !== resource);
  }

  /** Marks a replaced resource for deletion. */
  markReplaced(resource: ResourceState): void {
    this.remove(resource);
    this.#replaced = [...this.#replaced, { ...resource, pendingDelete: true }];
  }

  begin(resource: ResourceState): void {
    this.#pending.set(resource.urn, resource);
  }

  settle(urn: string): void {
    this.#pending.delete(urn);
  }

  /** Writes the state. Calls during a write share the next write; each resolves when its change is on disk. */
  save(): Promise<void> {
    if (this.#writing === undefined) return (this.#writing = this.#write());
    return (this.#queued ??= this.#writing.then(() => {
      this.#queued = undefined;
      return (this.#writing = this.#write());
    }));
  }

  async #write(): Promise<void> {
    try {
      const box = await this.openBox();
      const seal = (resource: ResourceState): ResourceState =>
        withValues(resource, (value) => box.seal(value));
      const content = {
        version: 1,
        engine: "in-process",
        stack: this.stack,
        serial: 0,
        secrets: box.header,
        pending: this.pending.map(seal),
        resources: this.resources.map(seal),
      } satisfies z.input<typeof stateSchema>;
      if (isDeepStrictEqual(content, this.#written)) return;
      const text = `${JSON.stringify({ ...content, serial: this.#serial + 1 }, undefined, 1)}\n`;
      await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
      if (this.#written !== undefined) await copyFile(this.file, backupOf(this.file)).catch(ignoreMissing);
      await writeFileAtomic(this.file, text, { mode: 0o600 });
      this.#serial += 1;
      this.#written = content;
    } finally {
      this.#writing = undefined;
    }
  }

  /** Removes the files of an empty stack. */
  async discard(): Promise<void> {
    await this.#writing;
    const files = [this.file, backupOf(this.file), ...(await halfWritten(this.file))];
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }
}

function withValues(resource: ResourceState, change: (value: Value) => Value): ResourceState {
  const { inputs, outputs } = resource;
  return { ...resource, inputs: mapValues(inputs, change), outputs: mapValues(outputs, change) };
}

function byUrn(resources: readonly ResourceState[]): Map<string, ResourceState> {
  return new Map(resources.map((resource) => [resource.urn, resource]));
}

/** The file with the state before the last change. */
export function backupOf(file: string): string {
  return `${file}.bak`;
}

/** Temporary files of killed writers: write-file-atomic appends a number to the file's name. */
async function halfWritten(file: string): Promise<string[]> {
  const names = await readdir(dirname(file)).catch(() => []);
  const begin = `${basename(file)}.`;
  return names
    .filter((name) => name.startsWith(begin) && /^\d+$/.test(name.slice(begin.length)))
    .map((name) => join(dirname(file), name));
}

/** Undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
