import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { endProcessesIn, processesIn } from "../../providers/host/network-namespace.ts";
import { Running, type Said } from "./command.ts";
import { repository } from "./project.ts";

// What of a host libvirt writes to: in namespaces of its own it begins as the packages ship it, and the host's stays as it is.
const FOLDERS = ["/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt"];

// As systemd would: the daemons with their own configuration, then a first process that reaps what they leave behind.
const boot = `set -e
folder=$1
mount --make-rprivate /
${FOLDERS.map((path) => `mount --bind "$folder${path}" ${path}`).join("\n")}
mkdir -p /var/cache/ai-how
mount --bind "$folder/images" /var/cache/ai-how
mount -t tmpfs tmpfs /run
# As udev makes it. libvirt looks at QEMU anew, a second each time, while its user cannot open a device that root can.
if [ -e /dev/kvm ]; then
  mknod /run/kvm c 10 232
  chown root:kvm /run/kvm
  chmod 660 /run/kvm
  mount --bind /run/kvm /dev/kvm
fi
ip link set lo up
virtlogd --daemon
libvirtd --daemon
echo ready
exec >/dev/null 2>&1
while :; do sleep 2147483647 & wait || :; done
`;

// The files of the packages, without what somebody has defined since.
const shipped = `cp -a /etc/libvirt/*.conf /etc/libvirt/nwfilter "$1/etc/libvirt"
mkdir -p "$1/etc/libvirt/qemu/networks" "$1/var/log/libvirt/qemu"
cp /usr/share/libvirt/networks/default.xml "$1/etc/libvirt/qemu/networks"
mkdir -m 711 "$1/var/lib/libvirt/boot" "$1/var/lib/libvirt/images"
mkdir -m 750 "$1/var/lib/libvirt/qemu"
chown libvirt-qemu:libvirt-qemu "$1/var/lib/libvirt/qemu"
`;

/** A host for tests: libvirtd and virtlogd as the distribution ships and configures them, in namespaces that end with the tests. */
export class DistributionHost {
  readonly #namespace = `aihow-host-${process.pid}`;
  #folder = "";
  #init = 0;

  /** `images` is where built images are kept. */
  async make(images = join(repository, ".ai-how/cache")): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "host-"));
    // Above it nobody but root may look, and libvirt's machines run under another account.
    await chmod(this.#folder, 0o711);
    for (const path of FOLDERS) await mkdir(this.#folder + path, { recursive: true });
    await mkdir(images, { recursive: true });
    execFileSync("sh", ["-ec", shipped, "sh", this.#folder]);
    await symlink(images, join(this.#folder, "images"));
    execFileSync("ip", ["netns", "add", this.#namespace]);
    await this.boot();
  }

  /** Starts the daemons, as a host does that comes up. */
  async boot(): Promise<void> {
    const script = join(this.#folder, "boot");
    await writeFile(script, boot);
    const unshare = ["unshare", "--pid", "--fork", "--mount-proc", "sh", script, this.#folder];
    const child = spawn("ip", ["netns", "exec", this.#namespace, ...unshare], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    await Promise.race([once(child.stdout, "data"), once(child, "close")]);
    const init = (await processesIn(this.#namespace)).find(({ isInit }) => isInit);
    if (init === undefined || child.exitCode !== null) throw new Error(`no host comes up: ${said}`);
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
    this.#init = init.pid;
  }

  /** Pulls the plug: daemons and machines are gone, and what was written stays. */
  async plugOut(): Promise<void> {
    await endProcessesIn(this.#namespace, 0);
    execFileSync("ip", ["netns", "delete", this.#namespace]);
    execFileSync("ip", ["netns", "add", this.#namespace]);
  }

  async remove(): Promise<void> {
    await this.plugOut();
    execFileSync("ip", ["netns", "delete", this.#namespace]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What begins a command line of something that runs on this host. */
  get entry(): readonly string[] {
    return ["nsenter", `--target=${this.#init}`, "--net", "--mount", "--pid", `--wd=${repository}`];
  }

  /** Starts a command on the host. */
  start(...command: readonly string[]): Running {
    const [program = "", ...args] = [...this.entry, ...command];
    return new Running(program, args);
  }

  async run(...command: readonly string[]): Promise<Said> {
    return this.start(...command).ended;
  }

  /** Runs a command that has to succeed. */
  async succeed(...command: readonly string[]): Promise<Said> {
    const said = await this.run(...command);
    if (said.exitCode !== 0)
      throw new Error(`${command.join(" ")} ended with ${said.exitCode}:\n${said.output}`);
    return said;
  }

  /** Ends a command of the host; by default with SIGKILL, which nobody can catch. */
  async kill(running: Running, signal: NodeJS.Signals = "SIGKILL"): Promise<Said> {
    // `nsenter` waits for it.
    const [child] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "utf8").split(" ");
    process.kill(Number(child), signal);
    return running.ended;
  }

  /** What virsh prints, without the end of its last line. */
  async virsh(...args: readonly string[]): Promise<string> {
    const [program = "", ...entry] = this.entry;
    return (await execa(program, [...entry, "virsh", "--quiet", ...args])).stdout;
  }
}
