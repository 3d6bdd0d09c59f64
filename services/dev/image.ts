import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../config/errors.ts";
import { folderDigest } from "../../config/folder-digest.ts";
import {
  devImageArguments,
  devImageDigest,
  devImageRepository,
  devTools,
} from "../../versions/dev-container.ts";
import { RuntimeRefusal, type ContainerRuntime } from "../docker/runtime.ts";
import { withoutMounts } from "./dockerfile.ts";

/** What the image is built from: also the build's context. */
export const IMAGE_FOLDER = fileURLToPath(new URL("../../images/dev", import.meta.url));
const DEFAULT_IMAGE = `${devImageRepository}:base`;
/** What an image was built from, so that it is built again when that is something else. */
const INPUTS_LABEL = "ai-how.dev.inputs";

/** An image that somebody wants. */
export interface WantedImage {
  readonly name: string;
  /** Whether a person named it: then it may be one of theirs, which is used as it is. */
  readonly isNamed: boolean;
}

/** SYGALDRY_IMAGE, else the documented name. */
export function wantedImage(): WantedImage {
  const named = process.env.SYGALDRY_IMAGE ?? "";
  return named === "" ? { name: DEFAULT_IMAGE, isNamed: false } : { name: named, isNamed: true };
}

/**
 * Build arguments of this user's image, with what their environment chooses.
 * @throws UserError for a tool that there is not
 */
export function imageArguments(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const chosen = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  return devImageArguments({
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    base: chosen("SYGALDRY_BASE_IMAGE"),
    tools: env.SYGALDRY_TOOLS === undefined ? undefined : parseTools(env.SYGALDRY_TOOLS),
    bazel: chosen("BAZEL_VERSION"),
    python: chosen("PYTHON_VERSION"),
    rust: chosen("RUST_VERSION"),
    go: chosen("GO_VERSION"),
  });
}

function parseTools(text: string): (typeof devTools)[number][] {
  const words = text.split(/[\s,]+/).filter((word) => word !== "" && word !== "none");
  const wrong = words.find((word) => !devTools.some((tool) => tool === word));
  if (wrong !== undefined)
    throw new UserError(
      `SYGALDRY_TOOLS: there is no ${wrong}; name some of ${devTools.join(", ")}, or none`,
      {
        exitCode: 2,
      },
    );
  return devTools.filter((tool) => words.includes(tool));
}

/**
 * Sees to it that the image is there and of today's inputs. The build's output goes to standard error.
 * @param say gets why it is built, in one line
 * @param folder what it is built from
 * @returns whether it was built
 * @throws UserError where the build fails; the image from before, if there is one, stays
 */
export async function ensureImage(
  engine: ContainerRuntime,
  { name, isNamed }: WantedImage,
  say: (line: string) => void,
  folder = IMAGE_FOLDER,
): Promise<boolean> {
  const buildArguments = imageArguments();
  const digest = devImageDigest(folderDigest(folder), buildArguments);
  const labels = await engine.imageLabels(name);
  const built = labels?.[INPUTS_LABEL];
  if (built === digest) return false;
  if (labels !== undefined && built === undefined && isNamed) return false;
  const why =
    labels === undefined
      ? "it is not there"
      : built === undefined
        ? "what is there is not ai-how's"
        : "images/dev or a build argument has changed";
  say(`building ${name}: ${why}`);
  await build(engine, folder, [
    ...["--tag", name, "--label", `${INPUTS_LABEL}=${digest}`],
    ...Object.entries(buildArguments).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
  ]);
  return true;
}

async function build(engine: ContainerRuntime, context: string, args: readonly string[]): Promise<void> {
  const dockerfile = join(context, "Dockerfile");
  if (await engine.hasCacheMounts()) {
    await attempt(engine, [...args, "--file", dockerfile, context]);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "ai-how-dev-"));
  try {
    const plain = join(folder, "Dockerfile");
    await writeFile(plain, withoutMounts(await readFile(dockerfile, "utf8")));
    await attempt(engine, ["--force-rm", ...args, "--file", plain, context]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function attempt(engine: ContainerRuntime, args: readonly string[]): Promise<void> {
  try {
    await engine.build(args);
  } catch (error) {
    if (!(error instanceof RuntimeRefusal)) throw error;
    throw new UserError(
      `${engine.place.program} build: ${error.message}; its output above says why, and SYGALDRY_BASE_IMAGE and SYGALDRY_TOOLS choose what it needs`,
    );
  }
}
