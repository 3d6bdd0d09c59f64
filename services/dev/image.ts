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

/** The build context. */
export const IMAGE_FOLDER = fileURLToPath(new URL("../../images/dev", import.meta.url));
const DEFAULT_IMAGE = `${devImageRepository}:base`;
/** Label with the digest of an image's inputs; the image is built again if they change. */
const INPUTS_LABEL = "ai-how.dev.inputs";

/** The image to use. */
export interface WantedImage {
  readonly name: string;
  /** Whether the user named it; then it may be the user's own image, which is used unchanged. */
  readonly isNamed: boolean;
}

/** SYGALDRY_IMAGE, otherwise the default image. */
export function wantedImage(): WantedImage {
  const named = process.env.SYGALDRY_IMAGE ?? "";
  return named === "" ? { name: DEFAULT_IMAGE, isNamed: false } : { name: named, isNamed: true };
}

/**
 * Build arguments of this user's image, from the environment.
 * @throws UserError for an unknown tool
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
 * Builds the image if it is missing or its inputs have changed. The build's output goes to standard error.
 * @param say gets the reason for the build, one line
 * @param folder the build context
 * @returns whether it was built
 * @throws UserError if the build fails; an older image stays
 */
export async function ensureImage(
  runtime: ContainerRuntime,
  { name, isNamed }: WantedImage,
  say: (line: string) => void,
  folder = IMAGE_FOLDER,
): Promise<boolean> {
  const buildArguments = imageArguments();
  const digest = devImageDigest(folderDigest(folder), buildArguments);
  const labels = await runtime.imageLabels(name);
  const built = labels?.[INPUTS_LABEL];
  if (built === digest) return false;
  if (labels !== undefined && built === undefined && isNamed) return false;
  const why =
    labels === undefined
      ? "the image is missing"
      : built === undefined
        ? "the existing image is not from ai-how"
        : "images/dev or a build argument has changed";
  say(`building ${name}: ${why}`);
  await build(runtime, folder, [
    ...["--tag", name, "--label", `${INPUTS_LABEL}=${digest}`],
    ...Object.entries(buildArguments).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
  ]);
  return true;
}

async function build(runtime: ContainerRuntime, context: string, args: readonly string[]): Promise<void> {
  const dockerfile = join(context, "Dockerfile");
  if (await runtime.hasCacheMounts()) {
    await attempt(runtime, [...args, "--file", dockerfile, context]);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "ai-how-dev-"));
  try {
    const plain = join(folder, "Dockerfile");
    await writeFile(plain, withoutMounts(await readFile(dockerfile, "utf8")));
    await attempt(runtime, ["--force-rm", ...args, "--file", plain, context]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function attempt(runtime: ContainerRuntime, args: readonly string[]): Promise<void> {
  try {
    await runtime.build(args);
  } catch (error) {
    if (!(error instanceof RuntimeRefusal)) throw error;
    throw new UserError(
      `${runtime.place.program} build: ${error.message}; see its output above; SYGALDRY_BASE_IMAGE and SYGALDRY_TOOLS change what it downloads`,
    );
  }
}
