import { existsSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ProviderError } from "../framework/resource.ts";

const ownerSchema = z.object({ urn: z.string(), project: z.string(), pid: z.number() });

/** Whose sandbox it is: the resource, the folder of its project, and the process that made it. */
export type Owner = z.infer<typeof ownerSchema>;

/** The checkout that this provider runs from: what tells two clones of one project apart. */
const project = resolve(import.meta.dirname, "..", "..");

const ownerFile = (state: string) => join(state, "owner.json");

/** Who the sandbox with this state folder belongs to; undefined when there is none. */
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

/** True when the owner is this project, whatever the resource was called when it was made. */
export function isOurs(owner: Owner): boolean {
  return owner.project === project;
}

/** Claims the name for a resource; true when it was free, false when this resource had it already. */
export async function claim(name: string, state: string, urn: string): Promise<boolean> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  const owner: Owner = { urn, project, pid: process.pid };
  const draft = `${ownerFile(state)}.${process.pid}`;
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    // Linking fails when there is an owner already, and never leaves half a file.
    await link(draft, ownerFile(state));
    return true;
  } catch {
    const other = await readOwner(state);
    if (other === undefined || (other.project === project && other.urn === urn)) return false;
    throw new ProviderError(foreign(name, other));
  } finally {
    await rm(draft, { force: true });
  }
}

/** Notes the URN that the resource has now. */
export async function renew(state: string, urn: string): Promise<void> {
  const draft = `${ownerFile(state)}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ urn, project, pid: process.pid }), { mode: 0o600 });
  await rename(draft, ownerFile(state));
}

function foreign(name: string, owner: Owner): string {
  if (owner.project === project) {
    return `sandbox ${name} belongs to ${owner.urn}: take another name, or bring that stack down`;
  }
  return existsSync(owner.project)
    ? `sandbox ${name} belongs to ${owner.project}: bring it down there, or take another name`
    : `sandbox ${name} belongs to ${owner.project}, which is gone: remove it with \`node ${project}/providers/host/main.ts remove-sandbox ${name}\`, or take another name`;
}
