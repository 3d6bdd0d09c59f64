import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { passphrase } from "../../engine/passphrase.ts";
import { StackState } from "../../engine/in-process/state.ts";
import { isSecret, reveal } from "../../wire/values.ts";
import { repository } from "./project.ts";

/** A secret of a stack: what it is called, and the texts and bytes that give it away. */
export interface Secret {
  readonly name: string;
  readonly traces: readonly Buffer[];
}

const KEEPERS = ["host:index:SshKey", "host:index:RandomSecret"];

/** Every secret that a stack's state of the in-process engine holds, and the passphrase that opens it. */
export async function secretsOf(stack: string): Promise<Secret[]> {
  const file = join(repository, ".ai-how", `${stack}.json`);
  if (!existsSync(file)) return [];
  const opener = await passphrase(repository);
  const { resources } = await StackState.load(file, stack, () => Promise.resolve(opener));
  return [
    secret("passphrase", opener),
    ...resources
      .filter(({ type }) => KEEPERS.includes(type))
      .flatMap(({ urn, outputs }) =>
        Object.entries(outputs)
          .filter(([, value]) => isSecret(value))
          .map(([key, value]) =>
            secret(`${urn.split("::").at(-1) ?? urn}.${key}`, z.string().parse(reveal(value))),
          ),
      ),
  ];
}

/** Every secret in what `pulumi stack export --show-secrets` prints. */
export function secretsOfExport(json: string): Secret[] {
  const { deployment } = JSON.parse(json) as {
    deployment: { resources?: { urn: string; type: string; outputs?: Record<string, unknown> }[] };
  };
  return (deployment.resources ?? [])
    .filter(({ type }) => KEEPERS.includes(type))
    .flatMap(({ urn, outputs }) =>
      Object.entries(outputs ?? {}).flatMap(([key, value]) =>
        typeof value === "object" && value !== null && "plaintext" in value
          ? [secret(`${urn.split("::").at(-1) ?? urn}.${key}`, String(JSON.parse(String(value.plaintext))))]
          : [],
      ),
    );
}

/** A secret by its text: a key's own lines, and of short values the bytes that they stand for, too. */
export function secret(name: string, text: string): Secret {
  // The first line of an OpenSSH key is the same in all of them, and the second begins with the public one.
  const lines = text.trim().split("\n");
  const telling = lines.length > 1 ? lines.slice(3, -1).filter((line) => line.length > 30) : lines;
  if (telling.length === 0) throw new Error(`${name}: nothing in it would give it away`);
  const bytes = lines.length === 1 && text.length > 30 ? [Buffer.from(text, "base64")] : [];
  return { name, traces: [...telling.map((line) => Buffer.from(line)), ...bytes] };
}

/** Where a text or file gives one of the secrets away, one line each. */
export function leaksIn(place: string, content: Buffer | string, secrets: Iterable<Secret>): string[] {
  const bytes = Buffer.from(content);
  return [...secrets]
    .filter(({ traces }) => traces.some((trace) => bytes.includes(trace)))
    .map(({ name }) => `${name} in ${place}`);
}

/**
 * Leaks into files below these folders: those that everybody can read, and logs, whoever can read them.
 * @param since when the secrets were made, in milliseconds since 1970: a file that is older knows none of them
 */
export function leaksInFiles(
  folders: readonly string[],
  secrets: readonly Secret[],
  since: number,
): string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => filesBelow(folder, since))
    .flatMap((file) => leaksIn(file, contentOf(file), secrets));
}

const LOG = /\.log(\.|$)|\/(log|console|journal)\//;
const LARGEST = 16 * 2 ** 20;

/** Files that anybody can reach and read, by the modes from here on down, and logs. */
function filesBelow(path: string, since: number, reachable = true): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  const forAll = (bit: number): boolean => reachable && (found.mode & bit) !== 0;
  if (found.isDirectory())
    return readdirSync(path).flatMap((name) => filesBelow(join(path, name), since, forAll(0o001)));
  return found.isFile() && found.ctimeMs >= since && (forAll(0o004) || LOG.test(path)) ? [path] : [];
}

/** The beginning of a file; empty when it has gone. */
function contentOf(file: string): Buffer {
  try {
    if ((lstatSync(file, { throwIfNoEntry: false })?.size ?? 0) <= LARGEST) return readFileSync(file);
    const content = Buffer.alloc(LARGEST);
    const descriptor = openSync(file, "r");
    readSync(descriptor, content);
    closeSync(descriptor);
    return content;
  } catch {
    return Buffer.alloc(0);
  }
}
