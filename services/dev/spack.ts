import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../config/errors.ts";
import { suggestion } from "../../config/suggest.ts";
import { WORKSPACE } from "./container.ts";

/** Environments of ai-how, which are templates for a project's own. */
const TEMPLATES = fileURLToPath(new URL("../../spack", import.meta.url));
const SOURCE = "spack_src.yaml";
const NAME = /^[a-z][a-z0-9_-]*$/;
/** Folders of a project that contain environments; `pkg` is that of the old tools. */
const PLACES = ["spack", "pkg"];

export function templates(): string[] {
  return environmentsIn(TEMPLATES);
}

/**
 * Creates an environment from a template.
 * @returns its folder
 * @throws UserError for an existing or invalid name, and for an unknown template
 */
export function newEnvironment(projectRoot: string, name: string, template: string): string {
  if (!NAME.test(name))
    throw new UserError(
      `${name}: not a valid name: use lower-case letters, digits, dashes and underscores, and begin with a letter`,
      {
        exitCode: 2,
      },
    );
  if (!templates().includes(template))
    throw new UserError(`--from: there is no ${template}: ${suggestion(template, templates())}`, {
      exitCode: 2,
    });
  const folder = join(projectRoot, "spack", name);
  if (existsSync(folder)) throw new UserError(`${folder}: exists already; choose another name, or edit it`);
  mkdirSync(join(projectRoot, "spack"), { recursive: true });
  for (const file of [SOURCE, ".gitignore"]) cpSync(join(TEMPLATES, template, file), join(folder, file));
  return folder;
}

/**
 * An environment's folder in containers of its project.
 * @throws UserError if the project has none of this name
 */
export function environmentInContainer(projectRoot: string, name: string): string {
  for (const place of PLACES)
    if (existsSync(join(projectRoot, place, name, SOURCE))) return `${WORKSPACE}/${place}/${name}`;
  const known = PLACES.flatMap((place) => environmentsIn(join(projectRoot, place)));
  throw new UserError(
    `${name}: ${projectRoot} has no such environment: ${suggestion(name, known)}; \`ai-how spack new ${name}\` creates one`,
  );
}

function environmentsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, SOURCE)))
    .sort();
}
