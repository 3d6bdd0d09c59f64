import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { imageOf, PROGRAMS, type DockerEngine } from "../../support/docker.ts";
import { aiHowCommand, Running, type Said } from "../../support/command.ts";
import { repository } from "../../support/project.ts";

export const BASE = "ai-how-dev-base:1";
/** Who works in the tests: the number that Ubuntu's images give to a user of their own. */
export const USER = 1000;
// What the image's build uses besides, all of it from Debian's packages of this host.
const MORE = [
  ...["sh", "dpkg", "useradd", "usermod", "groupadd", "getent", "cut", "mkdir", "cp", "chown", "chmod", "rm"],
  ...[
    "ln",
    "mv",
    "sha256sum",
    "sed",
    "grep",
    "ls",
    "touch",
    "uname",
    "tar",
    "gzip",
    "dirname",
    "tail",
    "stat",
    "pwd",
  ],
];

/** What stands in for Spack, which cannot be had here: it writes down what it is told, and a lock where it concretizes. */
const FAKE_SPACK = `#!/bin/bash
echo "spack $*" >>"$HOME/spack-calls"
case "$*" in
  *"concretize --force"*) echo "{}" >"$2/spack.lock" ;;
esac
`;

/** What stands in for the internet: any archive holds a Go that only says so, and its published checksum is right. */
const FAKE_CURL = `#!/bin/bash
mkdir -p /tmp/fake/go/bin
printf '#!/bin/bash\\necho a fake go\\n' >/tmp/fake/go/bin/go
chmod +x /tmp/fake/go/bin/go
tar --create --gzip --file /tmp/fake.tar.gz --mtime @0 --directory /tmp/fake go
if [[ $* == *.sha256 ]]; then
  sha256sum /tmp/fake.tar.gz | cut -d " " -f 1
else
  while [ "$1" != --output ]; do shift; done
  cp /tmp/fake.tar.gz "$2"
fi
`;

/** Files of a base like Ubuntu 24.04's, with its user, as a running \`tar\`. */
export function baseOf(root: string) {
  mkdirSync(join(root, "etc", "profile.d"), { recursive: true });
  mkdirSync(join(root, "usr", "local", "bin"), { recursive: true });
  const write = (file: string, text: string): void => {
    writeFileSync(join(root, file), text);
  };
  write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n");
  write("etc/group", "root:x:0:\nubuntu:x:1000:\n");
  write("etc/login.defs", "UID_MIN 1000\nGID_MIN 1000\n");
  write("etc/profile", "for file in /etc/profile.d/*.sh; do . $file; done\n");
  for (const [name, script] of [
    ["spack", FAKE_SPACK],
    ["curl", FAKE_CURL],
  ] as const) {
    write(`usr/local/bin/${name}`, script);
    chmodSync(join(root, "usr/local/bin", name), 0o755);
  }
  return imageOf(root, [...PROGRAMS, ...MORE]);
}

/** The base, imported into an engine. */
export async function makeBase(
  program: "docker" | "podman",
  folder: string,
  env: Record<string, string>,
): Promise<void> {
  await baseOf(folder).pipe(execa(program, ["import", "-", BASE], { env }));
}

/** Lets the tests' user ask this engine, whose folder is root's. */
export function openTo(engine: DockerEngine): void {
  chmodSync(engine.folder, 0o711);
  chmodSync(join(engine.folder, "docker.sock"), 0o666);
}

/** A folder that is the tests' user's. */
export function ownFolder(...path: string[]): string {
  const folder = join(...path);
  mkdirSync(folder, { recursive: true });
  chownSync(folder, USER, USER);
  return folder;
}

const AS_USER = ["--reuid", String(USER), "--regid", String(USER), "--clear-groups", "--"];

/** Why a user who is not root cannot run this checkout; undefined where they can. */
export function userLacks(): string | undefined {
  try {
    execFileSync("setpriv", [...AS_USER, "test", "-r", join(repository, "package.json")]);
    return undefined;
  } catch {
    return "this checkout is in a folder that only root can read";
  }
}

/** \`ai-how ...\` of the tests' user. */
export class UsersShell {
  readonly #env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  launch(args: readonly string[], more: { env?: Record<string, string>; input?: string } = {}): Running {
    return new Running("setpriv", [...AS_USER, aiHowCommand, ...args], {
      ...more,
      env: { ...this.#env, ...more.env },
    });
  }

  ask(args: readonly string[], more: { env?: Record<string, string>; input?: string } = {}): Promise<Said> {
    return this.launch(args, more).ended;
  }
}
