import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { execa } from "execa";
import * as versions from "../versions/tools.ts";
import { pluginVersion } from "./support/plugin-version.ts";

// What the tests need besides packages of npm, and how each is found: independently of what the tests test. `make test` sets all of
// it up, and fails where a test was skipped for want of one. `node tests/required.ts [NAME ...]` says what there is.

const repository = resolve(import.meta.dirname, "..");

/** Something that the tests need. */
interface Part {
  /** Its version, or another word that says what was found. @throws Error that says how to get it */
  readonly find: () => Promise<string>;
  /** Why nobody can have it on this platform; undefined where one can. Tests may be skipped for it there. */
  readonly notHere?: () => string | undefined;
}

const BY_SETUP = "`tools/setup.sh --develop` brings it";

export const REQUIRED = {
  root: {
    find: () =>
      process.getuid?.() === 0
        ? Promise.resolve("there")
        : Promise.reject(new Error("`make test` takes it by sudo")),
  },
  "Pulumi's CLI": { find: async () => (await findPulumi()).version },
  Temporal: { find: async () => (await findTemporal()).version },
  Docker: { find: () => versionOf("dockerd", ["--version"], /version (\S+?),?\s/) },
  "docker-registry": { find: () => versionOf("docker-registry", ["--version"], /docker-registry \S+ (\S+)/) },
  Podman: {
    find: async () => {
      await versionOf("runc", ["--version"], /version (\S+)/);
      return versionOf("podman", ["--version"], /version (\S+)/);
    },
  },
  Chromium: {
    find: async () => (await findChromium()).version,
    notHere: () => (distribution().ID === "debian" ? undefined : "only Debian has it as a package"),
  },
  Packer: {
    find: async () => {
      const version = await versionOf("packer", ["version"], /^Packer v(\S+)/m);
      if (version !== versions.packer) throw new Error(`version ${version} is not ${versions.packer}`);
      return version;
    },
    notHere: () =>
      `${distribution().ID} ${distribution().VERSION_ID}` === "debian 12"
        ? undefined
        : `only Debian 12 has ${versions.packer} as a package`,
  },
  libvirtd: { find: () => versionOf("libvirtd", ["--version"], /libvirt\) (\S+)/) },
  QEMU: { find: () => versionOf(emulator(process.arch), ["--version"], /version (\S+)/) },
  "QEMU for arm64": {
    find: async () => {
      const firmware = "/usr/share/AAVMF/AAVMF_CODE.fd";
      if (!existsSync(firmware)) throw new Error(`there is no ${firmware}; ${BY_SETUP}`);
      return versionOf(emulator("arm64"), ["--version"], /version (\S+)/);
    },
  },
  nspawn: { find: () => versionOf("systemd-nspawn", ["--version"], /^systemd (\S+)/) },
  mmdebstrap: { find: () => versionOf("mmdebstrap", ["--version"], /mmdebstrap (\S+)/) },
  Ansible: { find: () => versionOf(join(repository, ".venv/bin/ansible"), ["--version"], /core (\S+?)\]/) },
  "Hugging Face's libraries": {
    find: () =>
      versionOf(
        join(repository, ".ai-how/cache/hub-python/bin/python"),
        ["-c", "from importlib.metadata import version as v; print(v('datasets'), v('huggingface_hub'))"],
        /^(.+)$/m,
      ),
  },
} as const satisfies Readonly<Record<string, Part>>;
export type PartName = keyof typeof REQUIRED;

/** Begins the reason of a test that was skipped for something that `make test` has to have. */
export const MISSING = "required: ";

const asked = new Map<string, Promise<string | undefined>>();

/** Why tests that need these parts cannot run here; undefined where they can. */
export async function lacks(...names: readonly PartName[]): Promise<string | undefined> {
  for (const name of names) {
    const answer = asked.get(name) ?? lack(name);
    asked.set(name, answer);
    const reason = await answer;
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function lack(name: PartName): Promise<string | undefined> {
  const { status, found } = await look(name);
  if (status === "there") return undefined;
  return `${status === "missing" ? MISSING : ""}${name}: ${found}`;
}

export interface Looked {
  readonly name: PartName;
  readonly status: "there" | "missing" | "not for this platform";
  /** Its version, or why it is not there. */
  readonly found: string;
}

export async function look(name: PartName): Promise<Looked> {
  const part: Part = REQUIRED[name];
  try {
    return { name, status: "there", found: await part.find() };
  } catch (error) {
    const notHere = part.notHere?.();
    if (notHere !== undefined) return { name, status: "not for this platform", found: notHere };
    return { name, status: "missing", found: error instanceof Error ? error.message : String(error) };
  }
}

/** A program on PATH, by its name; undefined where there is none. */
function onPath(name: string, suits: (file: string) => boolean = () => true): string | undefined {
  // A user who is not root does not have the folder that libvirtd and dockerd are in.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => isExecutable(file) && suits(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function versionOf(program: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const file = program.includes("/") ? program : onPath(program);
  if (file === undefined) throw new Error(`${program} is not installed; ${BY_SETUP}`);
  const said = await execa(file, args, {
    reject: false,
    stdin: "ignore",
    all: true,
    env: { CHECKPOINT_DISABLE: "1" }, // or Packer asks its makers for newer ones
  });
  const version = pattern.exec(`${said.all}\n`)?.[1];
  if (said.failed || version === undefined) throw new Error(`${file} does not run; ${BY_SETUP}`);
  return version;
}

interface Found {
  readonly path: string;
  readonly version: string;
}

export async function findChromium(): Promise<Found> {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const path = onPath(name);
    if (path !== undefined) return { path, version: await versionOf(path, ["--version"], /Chrom\D*(\d\S+)/) };
  }
  throw new Error(`Chromium is not installed; ${BY_SETUP}`);
}

export async function findTemporal(): Promise<Found> {
  const path = [
    process.env.AI_HOW_TEMPORAL ?? "",
    onPath("temporal") ?? "",
    join(repository, ".ai-how/cache/temporal/temporal"),
  ].find(isExecutable);
  if (path === undefined) throw new Error("Temporal's command is not there; `tools/temporal.sh` fetches it");
  return { path, version: await versionOf(path, ["--version"], /version (\S+)/) };
}

export interface FoundPulumi extends Found {
  /** Folder of its plugin for Kubernetes. */
  readonly kubernetes: string;
  /** Whether its language host runs policy packs: one that is older than the CLI does not. */
  readonly runsPacks: boolean;
}

/** Pulumi's CLI with its language host, and its plugin for Kubernetes. The plugins `command` and `docker` have stand-ins. */
export function findPulumi(): Promise<FoundPulumi> {
  pulumi ??= lookForPulumi();
  return pulumi;
}

let pulumi: Promise<FoundPulumi> | undefined;

async function lookForPulumi(): Promise<FoundPulumi> {
  const home = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  const downloads = join(home, "versions");
  // The npm package's `pulumi` only fetches the CLI.
  const isCli = (file: string): boolean =>
    !realpathSync(file).includes(`${sep}node_modules${sep}pulumi${sep}`);
  const path = [
    onPath("pulumi", isCli) ?? "",
    ...(existsSync(downloads) ? readdirSync(downloads) : []).map((version) =>
      join(downloads, version, "bin/pulumi"),
    ),
    join(repository, ".ai-how/cache/pulumi/bin/pulumi"),
  ].find(isExecutable);
  if (path === undefined) throw new Error("it is not there; `tools/pulumi.sh` builds it, once for a user");
  const cli = await versionOf(path, ["version"], /^v(\S+)/m);

  const host = [join(dirname(realpathSync(path)), LANGUAGE_HOST), onPath(LANGUAGE_HOST) ?? ""].find(
    isExecutable,
  );
  if (host === undefined) throw new Error(`${path} has no ${LANGUAGE_HOST} beside it`);

  const wanted = kubernetesVersion();
  const plugin = [
    join(dirname(realpathSync(path)), KUBERNETES),
    onPath(KUBERNETES) ?? "",
    join(home, "plugins", `resource-kubernetes-v${wanted}`, KUBERNETES),
  ].find(isExecutable);
  if (plugin === undefined)
    throw new Error(
      `its plugin for Kubernetes is not there; \`pulumi plugin install resource kubernetes ${wanted}\` or \`tools/pulumi.sh\` brings it`,
    );
  const [language, kubernetes] = await Promise.all([
    pluginVersion(host, "LanguageRuntime"),
    pluginVersion(plugin, "ResourceProvider"),
  ]);
  return {
    path,
    kubernetes: dirname(plugin),
    // A build from the sources has no version.
    runsPacks: language === "" || language === cli,
    version: `${cli}, language host ${language || "of no version"}, plugin kubernetes ${kubernetes}; stand-ins for command and docker`,
  };
}

const LANGUAGE_HOST = "pulumi-language-nodejs";
const KUBERNETES = "pulumi-resource-kubernetes";

function kubernetesVersion(): string {
  const manifest = join(repository, "node_modules/@pulumi/kubernetes/package.json");
  return String((JSON.parse(readFileSync(manifest, "utf8")) as Record<string, unknown>).version);
}

function emulator(architecture: string): string {
  return `qemu-system-${architecture === "arm64" ? "aarch64" : "x86_64"}`;
}

/** Of /etc/os-release. */
function distribution(): Record<"ID" | "VERSION_ID", string> {
  const text = readFileSync("/etc/os-release", "utf8");
  const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)`, "m").exec(text)?.[1] ?? "";
  return { ID: field("ID"), VERSION_ID: field("VERSION_ID") };
}

/** All of them, or some. */
export async function report(names: readonly string[] = []): Promise<Looked[]> {
  const wanted = (Object.keys(REQUIRED) as PartName[]).filter(
    (name) => names.length === 0 || names.includes(name),
  );
  return Promise.all(wanted.map(look));
}

export function lineOf({ name, status, found }: Looked): string {
  return status === "there" ? `${name} ${found}` : `${name} ${status}: ${found}`;
}

if (import.meta.main) {
  const parts = await report(process.argv.slice(2));
  process.stdout.write(parts.map((part) => `${lineOf(part)}\n`).join(""));
  if (parts.length === 0 || parts.some(({ status }) => status === "missing")) process.exitCode = 1;
}
