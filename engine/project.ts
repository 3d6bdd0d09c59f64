import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { parseDocument } from "yaml";
import { z } from "zod";
import { UserError } from "../config/errors.ts";
import { TARGETS } from "../config/targets.ts";
import type { StackReference } from "./engine.ts";

const projectSchema = z.object({ name: z.string(), main: z.string().default("index.ts") });
const plainValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const stackSchema = z.object({
  encryptionsalt: z.string().optional(),
  config: z.record(z.string(), z.union([plainValue, z.strictObject({ secure: z.string() })])).default({}),
});

/** The parts of Pulumi.yaml that an engine needs. */
export interface Project {
  readonly root: string;
  readonly name: string;
  readonly main: string;
}

/** The nearest folder with a Pulumi.yaml, from `from` upwards. */
export function findRoot(from: string): string {
  const root = projectRoot(from);
  if (root === undefined)
    throw new UserError(`${from}: no Pulumi.yaml here or above; run ai-how inside the project`, {
      exitCode: 2,
    });
  return root;
}

/** As `findRoot`, but undefined if there is none. */
export function projectRoot(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

export async function loadProject(root: string): Promise<Project> {
  const file = join(root, "Pulumi.yaml");
  return { root, ...checked(file, await readFile(file, "utf8"), projectSchema) };
}

/** The state file of the in-process engine. */
export function inProcessState({ root, stack }: StackReference): string {
  return join(root, ".ai-how", `${stack}.json`);
}

/** The configuration file of a stack, with its target and cluster file. */
export function stackFile(root: string, stack: string): string {
  return join(root, `Pulumi.${stack}.yaml`);
}

/** A stack's configuration. Only Pulumi's own CLI can decrypt values. */
export async function loadStackConfig(
  root: string,
  stack: string,
): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    Object.entries(await readStackFile(root, stack)).map(([key, value]) => {
      if (typeof value === "string") return [key, value];
      throw new UserError(
        `${stackFile(root, stack)}: config.${key} is encrypted by Pulumi; the in-process engine cannot decrypt it: use \`--engine pulumi\``,
      );
    }),
  );
}

/** One value of a stack's configuration; undefined if it is missing or encrypted. */
export async function plainStackValue(root: string, stack: string, key: string): Promise<string | undefined> {
  const value = (await readStackFile(root, stack))[key];
  return typeof value === "string" ? value : undefined;
}

async function readStackFile(root: string, stack: string): Promise<z.output<typeof stackSchema>["config"]> {
  const file = stackFile(root, stack);
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`${file}: there is no such stack; there are ${knownStacks(root).join(", ")}`, {
      exitCode: 2,
    });
  });
  return checked(file, text, stackSchema).config;
}

/**
 * Parses a YAML file.
 * @throws UserError with the place of the first problem
 */
function checked<Schema extends z.ZodType>(file: string, text: string, schema: Schema): z.output<Schema> {
  const document = parseDocument(text);
  // The other lines of the message quote the file.
  const [what] = document.errors.map(({ message }) => message.split("\n")[0] ?? message);
  if (what !== undefined) throw new UserError(`${file}: ${what.replace(/:$/, "")}`);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.join(".") ?? "";
  throw new UserError(`${file}: ${place === "" ? "" : `${place}: `}${issue?.message ?? "is invalid"}`);
}

/** Sets a value in the stack's file, as `pulumi config set` does, but keeps comments. Returns whether the value changed. */
export async function setStackConfig(
  root: string,
  stack: string,
  key: string,
  value: string,
): Promise<boolean> {
  const file = stackFile(root, stack);
  const document = parseDocument(await readFile(file, "utf8"));
  if (document.getIn(["config", key]) === value) return false;
  document.setIn(["config", key], value);
  await writeFileAtomic(file, document.toString());
  return true;
}

/** The targets that have a stack file. */
export function knownStacks(root: string): string[] {
  return TARGETS.filter((stack) => existsSync(stackFile(root, stack)));
}
