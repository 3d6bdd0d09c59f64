import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const LIBVIRT = ["etc/libvirt", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt"] as const;

// The first process of a host with namespaces of its own. KVM that is there and does not work would keep libvirtd for minutes.
const INIT = String.raw`
set -e
ip link set lo up
for folder in ${LIBVIRT.join(" ")} var/lib/ai-how; do mkdir -p "/$folder"; mount --bind "$1/$folder" "/$folder"; done
mkdir -p /var/cache/ai-how
mount --bind "$2" /var/cache/ai-how
mount -t tmpfs tmpfs /run
mkdir -p /run/libvirt
if [ -e /dev/kvm ]; then mount --bind /dev/null /dev/kvm; fi
virtlogd -d
libvirtd -d
echo ready
while :; do sleep 2147483647 & wait; done
`;

/**
 * A host with libvirtd and virtlogd as its distribution configures them, in process, mount and network namespaces of its own: whatever
 * it makes of them ends with it.
 */
export class DistributionLibvirt {
  readonly #folder: string;
  readonly #images: string;
  #init: ChildProcess | undefined;

  /** @param images a cache of golden images, its `/var/cache/ai-how` */
  constructor(folder: string, images: string) {
    this.#folder = folder;
    this.#images = images;
  }

  async start(): Promise<void> {
    for (const part of LIBVIRT) {
      mkdirSync(this.path(part), { recursive: true });
      // Of all that the host has, its configuration and its empty folders only.
      if (part === "etc/libvirt") cpSync(`/${part}`, this.path(part), { recursive: true });
    }
    for (const folder of [
      "var/lib/libvirt/images",
      "var/log/libvirt/qemu",
      "var/lib/libvirt/qemu",
      "var/lib/ai-how",
    ])
      mkdirSync(this.path(folder), { recursive: true });
    mkdirSync(this.#images, { recursive: true });
    const namespaces = ["--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
    const init = spawn("unshare", [...namespaces, "sh", "-c", INIT, "init", this.#folder, this.#images], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#init = init;
    await new Promise<void>((resolve, reject) => {
      init.stdout.on("data", (text: Buffer) => {
        if (text.toString().includes("ready")) resolve();
      });
      init.once("exit", (code) => {
        reject(new Error(`libvirtd did not start: ${code ?? "killed"}`));
      });
    });
    for (let tries = 0; !existsSync(`/proc/${this.#first}/root/run/libvirt/libvirt-sock`); tries++) {
      if (tries > 100) throw new Error("libvirtd does not listen");
      await sleep(100);
    }
  }

  /** What of the host lies in the folder: `path("var/log/libvirt")`. */
  path(part: string): string {
    return join(this.#folder, part);
  }

  /** A command line that runs there. */
  command(...command: readonly string[]): [string, string[]] {
    const namespaces = ["--mount", "--pid", "--net", `--wd=${process.cwd()}`];
    return ["nsenter", ["--target", this.#first, ...namespaces, ...command]];
  }

  async stop(): Promise<void> {
    const init = this.#init;
    if (init?.exitCode !== null) return;
    const ended = new Promise((resolve) => init.once("exit", resolve));
    init.kill("SIGKILL");
    await ended;
  }

  get #first(): string {
    const pid = this.#init?.pid ?? 0;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  }
}
