import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";
import type { StackResource } from "../engine.ts";
import { SecretBox } from "./secrets.ts";
import { STACK_TYPE } from "../../wire/urn.ts";
import type { Value, Values } from "../../wire/values.ts";

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
  retainOnDelete: z.boolean().optional(),
  deletedWith: z.string().optional(),
  ignoreChanges: z.array(z.string()).optional(),
  /** A replaced resource that still has to be deleted. */
  pendingDelete: z.boolean().optional(),
});

/** One resource as it was when its last operation ended. */
export type ResourceState = z.infer<typeof resourceSchema>;

/** What an engine shows of a resource. */
export function stackResource({ custom, protect = false, ...resource }: ResourceState): StackResource {
  return { ...resource, component: !custom, protect };
}

const stateSchema = z.strictObject({
  version: z.literal(1),
  engine: z.literal("in-process"),
  stack: z.string(),
  serial: z.number(),
  secrets: z.strictObject({ salt: z.string(), proof: z.string() }),
  /** Creations that began and did not end: a killed engine leaves them. */
  pending: z.array(resourceSchema),
  resources: z.array(resourceSchema),
});

/** The state of one stack: what exists, in the order in which it came to exist. Written whole and atomically. */
export class StackState {
  readonly file: string;
  readonly stack: string;
  /**
   * What encrypts. For a new state this finds the passphrase, or makes one: nothing should be made before, as it could not be
   * written down.
   */
  readonly openBox: () => Promise<SecretBox>;
  #resources: ResourceState[];
  /** Where each resource lies in the list; undefined once that has shifted. Without it, 5,000 resources cost seconds. */
  #places: Map<string, number> | undefined;
  readonly #pending: Map<string, ResourceState>;
  #serial: number;
  /** What is on disk; undefined: nothing. */
  #written: unknown;
  #writing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  private constructor(
    file: string,
    stack: string,
    openBox: () => Promise<SecretBox>,
    content: { resources: ResourceState[]; pending: ResourceState[]; serial: number; written?: unknown },
  ) {
    this.file = file;
    this.stack = stack;
    this.openBox = openBox;
    this.#resources = content.resources;
    this.#pending = new Map(content.pending.map((resource) => [resource.urn, resource]));
    this.#serial = content.serial;
    this.#written = content.written;
  }

  /** Reads the state; a stack without one is empty. A file that was cut short is refused, and its backup named. */
  static async load(file: string, stack: string, passphrase: () => Promise<string>): Promise<StackState> {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      if (code === "EACCES")
        throw new UserError(`${file}: made by another user, probably root; run this with sudo`);
      throw error;
    });
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
    const open = (resource: ResourceState): ResourceState => ({
      ...resource,
      inputs: box.unsealAll(resource.inputs),
      outputs: box.unsealAll(resource.outputs),
    });
    return new StackState(file, stack, () => Promise.resolve(box), {
      resources: data.resources.map(open),
      pending: data.pending.map(open),
      serial: data.serial,
      written: { ...data, serial: 0 },
    });
  }

  /** A copy that is never written: what a preview works on. */
  detached(): StackState {
    const copy = new StackState(this.file, this.stack, this.openBox, {
      resources: [...this.#resources],
      pending: [...this.#pending.values()],
      serial: this.#serial,
    });
    copy.save = () => Promise.resolve();
    return copy;
  }

  get resources(): readonly ResourceState[] {
    return this.#resources;
  }

  get pending(): readonly ResourceState[] {
    return [...this.#pending.values()];
  }

  get empty(): boolean {
    return this.#resources.length === 0 && this.#pending.size === 0;
  }

  find(urn: string): ResourceState | undefined {
    const place = this.#placeOf(urn);
    return place === undefined ? undefined : this.#resources[place];
  }

  #placeOf(urn: string): number | undefined {
    this.#places ??= new Map(
      this.#resources.flatMap((resource, place) =>
        resource.pendingDelete === true ? [] : [[resource.urn, place] as const],
      ),
    );
    return this.#places.get(urn);
  }

  /** Puts a resource's new state in the place of its old one. */
  put(resource: ResourceState): void {
    const place = this.#placeOf(resource.urn) ?? this.#resources.length;
    this.#resources[place] = resource;
    this.#places?.set(resource.urn, place);
    this.#pending.delete(resource.urn);
  }

  /** Moves the resources to the order in which the program registered them: parents and dependencies first. */
  reorder(urns: readonly string[]): void {
    const rank = new Map(urns.map((urn, index) => [urn, index]));
    const last = urns.length;
    this.#resources = this.#resources
      .map((resource, index) => ({ resource, index }))
      .sort(
        (a, b) =>
          (rank.get(a.resource.urn) ?? last) - (rank.get(b.resource.urn) ?? last) || a.index - b.index,
      )
      .map(({ resource }) => resource);
    this.#places = undefined;
  }

  remove(resource: ResourceState): void {
    this.#resources = this.#resources.filter((other) => other !== resource);
    this.#places = undefined;
  }

  /** Keeps a replaced resource until it has been deleted. */
  addPendingDelete(resource: ResourceState): void {
    this.#resources.push({ ...resource, pendingDelete: true });
  }

  begin(resource: ResourceState): void {
    this.#pending.set(resource.urn, resource);
  }

  settle(urn: string): void {
    this.#pending.delete(urn);
  }

  /** Writes the state. Calls that arrive during a write share the next one; each resolves when its change is on disk. */
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
      const seal = (resource: ResourceState): ResourceState => ({
        ...resource,
        inputs: box.sealAll(resource.inputs),
        outputs: box.sealAll(resource.outputs),
      });
      const content = {
        version: 1,
        engine: "in-process",
        stack: this.stack,
        serial: 0,
        secrets: box.header,
        pending: this.pending.map(seal),
        resources: this.#resources.map(seal),
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

  /** Removes the files of a stack that has nothing left. */
  async discard(): Promise<void> {
    await this.#writing;
    const files = [this.file, backupOf(this.file), ...(await halfWritten(this.file))];
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }

  /** The stack's outputs, as the program exported them. */
  get outputs(): Values {
    return this.#resources.find((resource) => resource.type === STACK_TYPE)?.outputs ?? {};
  }
}

/** The state before the last change. */
export function backupOf(file: string): string {
  return `${file}.bak`;
}

/** What writers leave that are killed while they write: write-file-atomic's name is the file's with a number. */
async function halfWritten(file: string): Promise<string[]> {
  const names = await readdir(dirname(file)).catch(() => []);
  const begin = `${basename(file)}.`;
  return names
    .filter((name) => name.startsWith(begin) && /^\d+$/.test(name.slice(begin.length)))
    .map((name) => join(dirname(file), name));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
