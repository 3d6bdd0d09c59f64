import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { ProviderError, type Context } from "../../framework/resource.ts";
import { aptSources } from "./apt-sources.ts";
import type { ImageInputs } from "./inputs.ts";
import { builder, distributions, packagesOf } from "./recipe.ts";
import { withLock } from "./lock.ts";

/** Progress and cancellation of a build. */
export type Building = Pick<Context<unknown>, "log" | "signal">;

/**
 * Builds an image in the cache under a temporary name and renames it when it is complete. Builds with the same package cache run
 * one after the other, because apt locks its folders; the second of two builds of the same image finds it finished.
 */
export async function buildImage(
  inputs: ImageInputs,
  name: string,
  cache: string,
  building: Building,
): Promise<void> {
  const images = join(cache, "images");
  const packages = join(cache, "apt", `${distributions[inputs.distribution].suite}-${inputs.architecture}`);
  await mkdir(images, { recursive: true });
  await withLock(`${packages}.lock`, building, async () => {
    const place = join(images, name);
    if (existsSync(place)) return;
    await removeLeftovers(images);
    const draft = join(images, `.building-${process.pid}-${name}`);
    try {
      await runBuilder(inputs, draft, packages, building);
      await rename(`${draft}.log`, join(draft, "build.log"));
      await rename(draft, place);
    } finally {
      await rm(draft, { recursive: true, force: true });
      await rm(`${draft}.log`, { force: true });
    }
  });
}

async function runBuilder(
  inputs: ImageInputs,
  draft: string,
  packages: string,
  { log, signal }: Building,
): Promise<void> {
  // The builder ends with this process, even by SIGKILL, and its PID namespace ends everything that it started.
  const build = execa("setpriv", ["--pdeathsig", "KILL", builder, draft], {
    cancelSignal: signal,
    forceKillAfterDelay: 1,
    stdin: "ignore",
    extendEnv: true,
    env: {
      AI_HOW_SUITE: distributions[inputs.distribution].suite,
      AI_HOW_ARCHITECTURE: inputs.architecture,
      AI_HOW_PACKAGES: packagesOf(inputs).join(","),
      AI_HOW_SOURCES: (await aptSources(inputs)).join("\n"),
      AI_HOW_APT_CACHE: packages,
      AI_HOW_ADMIN_USER: inputs.adminUser,
      AI_HOW_ROLE_VARIABLES: JSON.stringify(inputs.roleVariables),
    },
    reject: false,
  });
  for await (const line of build) log(line);
  const { exitCode } = await build;
  if (signal.aborted) throw new ProviderError("building the image was cancelled");
  if (exitCode !== 0) {
    const tail = (await readFile(`${draft}.log`, "utf8")).trim().split("\n").slice(-20).join("\n");
    throw new ProviderError(`images/golden/build failed:\n${tail}`);
  }
}

/** Removes what killed builds left: `.building-PID-...` of processes that have ended. */
export async function removeLeftovers(images: string): Promise<void> {
  for (const entry of await readdir(images)) {
    const pid = /^\.building-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(images, entry), { recursive: true, force: true });
    }
  }
}
