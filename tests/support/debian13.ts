import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { z } from "zod";
import { Running, type Said } from "./command.ts";
import {
  CERTIFICATES,
  CHECKOUT,
  copyCheckout,
  debianRoot,
  IN_NAMESPACES,
  mirrorLacks,
  registryVariables,
} from "./debian-root.ts";
import { repository } from "./project.ts";

// What README.md says that one needs, on a system that boots; rpcbind is a service that somebody had before, and that listens.
const PACKAGES = "systemd,systemd-sysv,dbus,sudo,git,make,curl,ca-certificates,nodejs,npm,iproute2,rpcbind";
// What `tools/setup.sh` goes by; the prepared system has it done.
const SETUP_FILES = [
  "tools/install-packages",
  "tools/setup.sh",
  "tools/node24.cjs",
  "tools/python-requirements.txt",
  "package.json",
  "package-lock.json",
];
// Services that open a network's port or change its firewall; a developer's setup has them.
const SERVICES = ["docker.io", "docker-registry"];
// Of the cache, and what it is in the system.
const KEPT = {
  archives: "/var/cache/apt/archives",
  npm: "/root/.npm",
  pip: "/root/.cache/pip",
  images: `${CHECKOUT}/.ai-how/cache`,
};
const cache = join(repository, ".ai-how/cache/debian13");

const makeRoot = debianRoot("trixie", PACKAGES);

// Becomes the system: in mount and process namespaces that end with it, in a control group of its own, of version 2, the only one that it
// knows. Of the kernel's settings it may change those of its network.
const boot = `set -e
name=$1 root=$2 folder=$3
shift 3
if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 /sys/fs/cgroup; fi
mkdir -p "/sys/fs/cgroup/$name"
echo $$ >"/sys/fs/cgroup/$name/cgroup.procs"
if [ -n "$folder" ]; then
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  root=$folder/root
fi
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
exec unshare --pid --fork --kill-child --mount-proc -- systemd-nspawn --directory="$root" --boot --quiet --register=no --keep-unit \\
  --machine="$name" --hostname=debian13 --capability=all --console=pipe --link-journal=no --resolv-conf=off --timezone=off "$@"
`;

const removeGroup = `if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 /sys/fs/cgroup; fi
# Its last processes end after its first.
for _ in $(seq 200); do
  if find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} + 2>/dev/null; then exit; fi
  sleep 0.05
done
[ ! -e "/sys/fs/cgroup/$1" ]
`;

// Ends with this process, however that ends.
const MORTAL = ["setpriv", "--pdeathsig", "KILL"];

const servicesSchema = z.object({ listening: z.array(z.string()), enabled: z.array(z.string()) });

/** What listens on a network, and what starts at boot. */
export type Services = z.infer<typeof servicesSchema>;

/** A Debian 13 that boots, with this checkout in /srv/ai-how; `tools/setup.sh` has been run in it. */
export class Debian13 {
  readonly #name = `aihow-d13-${process.pid}`;
  #folder = "";
  #leader: ChildProcess | undefined;
  #network: ChildProcess | undefined;
  #init = 0;

  /** What there was before `tools/setup.sh` ran. */
  before: Services = { listening: [], enabled: [] };

  async make(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "debian13-"));
    for (const part of ["upper", "work", "root", "state"]) await mkdir(join(this.#folder, part));
    const prepared = join(cache, `prepared-${recipe()}`);
    if (!existsSync(prepared)) await this.#prepare(prepared);
    this.before = servicesSchema.parse(JSON.parse(await readFile(join(prepared, "before.json"), "utf8")));
    await copyCheckout(join(this.#folder, "upper"), [
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
    ]);
    await this.#boot(join(prepared, "root"), this.#folder);
  }

  async remove(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs a command as a service of the system, which ends what the command leaves in it: as a session does. */
  run(...command: readonly string[]): Promise<Said> {
    const environment = ["HOME=/root", "AI_HOW_ENGINE=in-process", ...registryVariables()].map(
      (setting) => `--setenv=${setting}`,
    );
    const service = [
      "systemd-run",
      "--pipe",
      "--wait",
      "--collect",
      "--quiet",
      `--working-directory=${CHECKOUT}`,
    ];
    const [program = "", ...args] = [...this.#inside, ...service, ...environment, ...command];
    return new Running(program, args).ended;
  }

  /** What a command prints, without the last line's end; it has to succeed. */
  async succeed(...command: readonly string[]): Promise<string> {
    const said = await this.run(...command);
    if (said.exitCode !== 0)
      throw new Error(`${command.join(" ")} ended with ${said.exitCode}:\n${said.output}`);
    return said.stdout;
  }

  async services(): Promise<Services> {
    const lines = async (command: string) =>
      (await this.succeed("/bin/sh", "-c", command)).split("\n").sort();
    return {
      listening: await lines("ss -Hltnu | tr -s ' ' | cut -d' ' -f1,5"),
      enabled: await lines(
        "systemctl list-unit-files --no-legend --state=enabled --type=service,socket | cut -d' ' -f1",
      ),
    };
  }

  get #inside(): readonly string[] {
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd=/"];
    return ["nsenter", `--target=${this.#init}`, ...namespaces, "env", "-i", "PATH=/usr/sbin:/usr/bin"];
  }

  /** Makes a system and runs `tools/setup.sh` in it, beside its place. */
  async #prepare(place: string): Promise<void> {
    const draft = join(cache, `.making-${process.pid}`);
    for (const left of await readdir(cache).catch(() => []))
      if (left.startsWith(".making-")) await rm(join(cache, left), { recursive: true });
    for (const part of ["archives/partial", ...Object.keys(KEPT)])
      await mkdir(join(cache, part), { recursive: true });
    await mkdir(draft);
    try {
      const root = join(draft, "root");
      const [unshare, ...namespaces] = IN_NAMESPACES;
      await execa(unshare, [...namespaces, "bash", "-c", makeRoot, "bash", root], {
        env: { ARCHIVES: join(cache, "archives") },
      });
      await writeFile(join(root, "etc/resolv.conf"), "nameserver 10.0.2.3\n");
      await copyCheckout(root, ["ls-files", "-z", "--", ...SETUP_FILES]);
      await this.#boot(root);
      const before = await this.services();
      await this.succeed(`${CHECKOUT}/tools/setup.sh`);
      await this.succeed(`${CHECKOUT}/tools/install-packages`, ...SERVICES);
      const after = await this.services();
      if (JSON.stringify(after) !== JSON.stringify(before))
        throw new Error(`setup left services:\n${JSON.stringify({ before, after }, undefined, 2)}`);
      await writeFile(join(draft, "before.json"), JSON.stringify(before));
      await this.#end();
      for (const old of await readdir(cache))
        if (old.startsWith("prepared-")) await rm(join(cache, old), { recursive: true });
      await rename(draft, place);
    } finally {
      await this.#end();
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Boots a system; with a folder, what it changes comes to lie there. */
  async #boot(root: string, folder = ""): Promise<void> {
    execFileSync("ip", ["netns", "add", this.#name]);
    // Of those that were killed, names are left.
    for (const name of readdirSync("/run/netns")) {
      const pid = /^aihow-d13-(\d+)$/.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) execFileSync("ip", ["netns", "delete", name]);
    }
    const network = `/run/netns/${this.#name}`;
    const log = openSync(join(this.#folder, "console.log"), "a");
    const start = (program: string, args: readonly string[]) => {
      const [first = "", ...rest] = [...MORTAL, program, ...args];
      return spawn(first, rest, { cwd: "/", stdio: ["ignore", log, log] });
    };
    this.#network = start("slirp4netns", [
      ...["--configure", "--mtu=65520", "--disable-host-loopback"],
      ...["--netns-type=path", network, "out0"],
    ]);
    this.#leader = start("nsenter", [
      ...[`--net=${network}`, "unshare", "--mount", "--propagation=private"],
      ...["sh", "-c", boot, "sh", this.#name, root, folder],
      "--bind=/dev/net/tun",
      `--bind-ro=${CERTIFICATES}`,
      ...Object.entries(KEPT).map(([part, target]) => `--bind=${join(cache, part)}:${target}`),
      // Machines have layers there, which cannot lie upon another layer.
      `--bind=${join(this.#folder, "state")}:/var/lib/ai-how`,
    ]);
    const deadline = Date.now() + 180_000;
    while (!(await this.#isUp())) {
      if (this.#leader.exitCode !== null || Date.now() > deadline)
        throw new Error(`no Debian 13 boots:\n${readFileSync(join(this.#folder, "console.log"), "utf8")}`);
      await sleep(200);
    }
  }

  async #isUp(): Promise<boolean> {
    this.#init = initOf(this.#leader?.pid ?? 0);
    if (this.#init === 0) return false;
    const [program, ...args] = [...this.#inside, "systemctl", "is-system-running", "--wait"];
    // The kernel's modules are not its own, so one unit fails.
    return /running|degraded/.test((await execa(program, args, { reject: false })).stdout);
  }

  async #end(): Promise<void> {
    for (const child of [this.#leader, this.#network]) {
      if (child?.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "close");
    }
    if (this.#leader === undefined) return;
    this.#leader = undefined;
    execFileSync("unshare", ["--mount", "--propagation=private", "sh", "-c", removeGroup, "sh", this.#name]);
    execFileSync("ip", ["netns", "delete", this.#name]);
  }
}

/** Why there is no Debian 13 to be had; undefined where there is. */
export async function debian13Lacks(): Promise<string | undefined> {
  if (process.arch !== "x64") return "Debian 13 was tried on amd64 only";
  if (!existsSync("/dev/net/tun")) return "this host has no /dev/net/tun";
  if (existsSync(join(cache, `prepared-${recipe()}`))) return undefined;
  return mirrorLacks("trixie");
}

/** Digest of what the prepared system is made from. */
function recipe(): string {
  const digest = createHash("sha256").update(JSON.stringify([makeRoot, SERVICES]));
  for (const name of SETUP_FILES) digest.update(readFileSync(join(repository, name)));
  return digest.digest("hex").slice(0, 12);
}

/** The init of the system that a process leads; 0 while there is none. */
function initOf(leader: number): number {
  try {
    const child = (pid: number) =>
      Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"), 10);
    const init = child(child(leader));
    return readFileSync(`/proc/${init}/comm`, "utf8") === "systemd\n" ? init : 0;
  } catch {
    return 0; // one of them is not there yet
  }
}
