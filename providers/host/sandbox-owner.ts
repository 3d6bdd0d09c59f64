import { existsSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ProviderError } from "../framework/resource.ts";

const ownerSchema = z.object({ urn: z.string(), project: z.string(), pid: z.number() });

/** The owner of a sandbox: the resource, the folder of its project, and the process that created it. */
export type Owner = z.infer<typeof ownerSchema>;

/** Folder of this checkout: it distinguishes two clones of one project. */
const project = resolve(import.meta.dirname, "..", "..");

const ownerFile = (state: string) => join(state, "owner.json");

/** The owner of the sandbox with this state folder; undefined if there is no such sandbox. */
export async function readOwner(state: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(ownerFile(state), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  return ownerSchema.parse(JSON.parse(text));
}

/** True if the owner is this project, even if the resource had another URN. */
export function isOurs(owner: Owner): boolean {
  return owner.project === project;
}

/** Claims the name for a resource: true if it was free, false if this resource already has it. */
export async function claim(name: string, state: string, urn: string): Promise<boolean> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  const owner: Owner = { urn, project, pid: process.pid };
  const draft = `${ownerFile(state)}.${process.pid}`;
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    // A link is atomic and fails if there is an owner.
    await link(draft, ownerFile(state));
    return true;
  } catch {
    const other = await readOwner(state);
    if (other === undefined || (other.project === project && other.urn === urn)) return false;
    throw new ProviderError(ownedByOther(name, other));
  } finally {
    await rm(draft, { force: true });
  }
}

/** Records the resource's present URN. */
export async function renew(state: string, urn: string): Promise<void> {
  const draft = `${ownerFile(state)}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ urn, project, pid: process.pid }), { mode: 0o600 });
  await rename(draft, ownerFile(state));
}

function ownedByOther(name: string, owner: Owner): string {
  if (owner.project === project) {
    return `sandbox ${name} belongs to ${owner.urn}: choose another name, or destroy that stack`;
  }
  return existsSync(owner.project)
    ? `sandbox ${name} belongs to ${owner.project}: destroy it there, or choose another name`
    : `sandbox ${name} belongs to ${owner.project}, which is gone: remove it with \`node ${project}/providers/host/main.ts remove-sandbox ${name}\`, or choose another name`;
}
