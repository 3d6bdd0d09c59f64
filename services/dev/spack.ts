import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../config/errors.ts";
import { suggestion } from "../../config/suggest.ts";
import { WORKSPACE } from "./container.ts";

/** Environments that come with ai-how, to build and to begin new ones with. */
const TEMPLATES = fileURLToPath(new URL("../../spack", import.meta.url));
const SOURCE = "spack_src.yaml";
const NAME = /^[a-z][a-z0-9_-]*$/;
/** Where a project has its environments, a folder each: ours, and where the old tools had them. */
const PLACES = ["spack", "pkg"];

export function templates(): string[] {
  return environmentsIn(TEMPLATES);
}

/**
 * Begins an environment as a copy of one that comes with ai-how.
 * @returns its folder
 * @throws UserError for a name that is taken or none, and for a template that there is not
 */
export function newEnvironment(projectRoot: string, name: string, template: string): string {
  if (!NAME.test(name))
    throw new UserError(
      `${name}: no name for an environment: small letters, digits, dashes and underscores`,
      {
        exitCode: 2,
      },
    );
  if (!templates().includes(template))
    throw new UserError(`--from: there is no ${template}: ${suggestion(template, templates())}`, {
      exitCode: 2,
    });
  const folder = join(projectRoot, "spack", name);
  if (existsSync(folder))
    throw new UserError(`${folder}: is there already; take another name, or edit what is there`);
  mkdirSync(join(projectRoot, "spack"), { recursive: true });
  for (const file of [SOURCE, ".gitignore"]) cpSync(join(TEMPLATES, template, file), join(folder, file));
  return folder;
}

/**
 * Where containers of a project see an environment.
 * @throws UserError where the project has none of this name
 */
export function environmentInContainer(projectRoot: string, name: string): string {
  for (const place of PLACES)
    if (existsSync(join(projectRoot, place, name, SOURCE))) return `${WORKSPACE}/${place}/${name}`;
  const known = PLACES.flatMap((place) => environmentsIn(join(projectRoot, place)));
  throw new UserError(
    `${name}: ${projectRoot} has no such environment: ${suggestion(name, known)}; \`ai-how spack new ${name}\` begins one`,
  );
}

function environmentsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, SOURCE)))
    .sort();
}
