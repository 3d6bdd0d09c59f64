import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { z } from "zod";
import { diagnoseDev } from "../../cli/doctor/dev.ts";
import { findPulumi } from "../../engine/select.ts";
import { repository } from "./project.ts";

/** Why a stack cannot be brought up on this host, as `doctor` says it; undefined where it can. */
export async function hostLacks(): Promise<string | undefined> {
  const failures = (await diagnoseDev(repository)).filter(({ level }) => level === "fail");
  return failures.length === 0
    ? undefined
    : failures.map(({ check, found }) => `${check}: ${found}`).join("; ");
}

/** Why Pulumi's own engine cannot run here; undefined where it can. */
export async function pulumiLacks(): Promise<string | undefined> {
  return (await findPulumi()) === undefined
    ? "Pulumi's CLI is neither on PATH nor in ~/.pulumi: `npx pulumi version` fetches it"
    : undefined;
}

/** Why Pulumi's own engine cannot use Docker here; undefined where it can. */
export async function dockerPluginLacks(): Promise<string | undefined> {
  const { version } = manifest.parse(
    JSON.parse(readFileSync(join(repository, "node_modules/@pulumi/docker/package.json"), "utf8")),
  );
  const plugins = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
  if (existsSync(join(plugins, `resource-docker-v${version}`))) return pulumiLacks();
  return `Pulumi's plugin is not there: \`npx pulumi plugin install resource docker ${version}\` fetches it`;
}

const manifest = z.object({ version: z.string() });

/** A group of tests that runs unless something is lacking, and then says in its name what. */
export function describeUnless(lacking: string | undefined, name: string, tests: () => void): void {
  if (lacking === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${lacking})`, tests);
}
