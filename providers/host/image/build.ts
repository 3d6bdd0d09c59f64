import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { ProviderError } from "../../framework/resource.ts";
import type { ImageInputs } from "../image.ts";
import { aptSources } from "./apt-sources.ts";
import { builder, distributions, packagesOf } from "./recipe.ts";

/** Builds an image beside its place in the cache, and moves it there when it is whole. */
export async function buildImage(
  inputs: ImageInputs,
  name: string,
  cache: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const images = join(cache, "images");
  await mkdir(images, { recursive: true });
  await removeLeftovers(images);
  const draft = join(images, `.building-${process.pid}-${name}`);
  const { suite } = distributions[inputs.distribution];
  try {
    // The builder ends when we end, however: its own namespaces then take all it started with them.
    const build = execa("setpriv", ["--pdeathsig", "KILL", builder, draft], {
      cancelSignal: signal,
      forceKillAfterDelay: 1,
      stdin: "ignore",
      extendEnv: true,
      env: {
        AI_HOW_SUITE: suite,
        AI_HOW_ARCHITECTURE: inputs.architecture,
        AI_HOW_PACKAGES: packagesOf(inputs).join(","),
        AI_HOW_SOURCES: (await aptSources(inputs)).join("\n"),
        AI_HOW_APT_CACHE: join(cache, "apt", `${suite}-${inputs.architecture}`),
        AI_HOW_ADMIN_USER: inputs.adminUser,
      },
      reject: false,
    });
    for await (const line of build) log(line);
    const { exitCode } = await build;
    if (signal.aborted) throw new ProviderError("building the image was cancelled");
    if (exitCode !== 0) {
      const said = (await readFile(`${draft}.log`, "utf8")).trim().split("\n").slice(-20).join("\n");
      throw new ProviderError(`images/golden/build failed:\n${said}`);
    }
    await rename(`${draft}.log`, join(draft, "build.log"));
    const place = join(images, name);
    // Whoever built the same at the same time was first, and has the same content.
    if (!existsSync(place)) await rename(draft, place);
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(`${draft}.log`, { force: true });
  }
}

/** Removes what builds left that were killed: `.building-PID-...` of processes that are gone. */
async function removeLeftovers(images: string): Promise<void> {
  for (const entry of await readdir(images)) {
    const pid = /^\.building-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(images, entry), { recursive: true, force: true });
    }
  }
}
