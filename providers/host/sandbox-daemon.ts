import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ProviderError } from "../framework/resource.ts";
import type { SandboxPlaces } from "./sandbox-places.ts";
import { ownScope } from "./systemd-scope.ts";
import { NAME_SERVER } from "./way-out.ts";
import { addNamespace, attachNamespace, namespaceExists, processesIn } from "./network-namespace.ts";

// Everything in a sandbox belongs to root, and nothing needs systemd: no security driver, no cgroups, no changes of owners.
// stdio_handler: QEMU writes consoles itself, so virtlogd is not needed.
const qemuConf = `security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
hugetlbfs_mount = "/run/hugepages"
`;

const libvirtdConf = `unix_sock_group = "root"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
`;

// The first process of the sandbox. It keeps the namespaces open, so that a libvirtd that died can be started again among its
// machines, and it reaps orphans at once: libvirt waits for that, and PID 1 of some hosts is slow.
// With a /run of its own libvirtd has private sockets and pid files, and no system bus, so it does not use firewalld or
// machined of the host. Only udev's database is visible, for the list of host devices.
const init = `set -e
runtime=$1 state=$2
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
mount --bind "$state/etc" /etc/libvirt
mount --bind "$state/lib" /var/lib/libvirt
mount --bind "$state/cache" /var/cache/libvirt
mount --bind "$state/log" /var/log/libvirt
if [ -d /run/udev ]; then mount --bind /run/udev "$runtime/udev"; fi
mount --rbind "$runtime" /run
mount --bind /run/resolv.conf "$3"
mount -t hugetlbfs hugetlbfs /run/hugepages || :
echo ready
exec >/dev/null 2>&1
while :; do sleep 2147483647 & wait || :; done
`;

const libvirtdArguments = ["--daemon", "--config=/etc/libvirt/libvirtd.conf", "--pid-file=/run/libvirtd.pid"];

/** True if the sandbox's libvirtd runs in the sandbox's namespace. */
export async function daemonRuns(places: SandboxPlaces): Promise<boolean> {
  return (await processesIn(places.namespace)).some(({ name }) => name === "libvirtd");
}

/** Starts the first process and libvirtd unless they run; a new libvirtd finds the machines that are running. */
export async function startDaemon(places: SandboxPlaces): Promise<void> {
  await makeDirectories(places);
  await recoverNamespace(places);
  await addNamespace(places.namespace);
  const processes = await processesIn(places.namespace);
  const first = processes.find(({ isInit }) => isInit)?.pid ?? (await startInit(places));
  if (!processes.some(({ name }) => name === "libvirtd")) {
    const enter = ["nsenter", `--target=${first}`, "--net", "--mount", "--pid"];
    const [program = "", ...args] = [...ownScope(), ...enter, "libvirtd", ...libvirtdArguments];
    const started = await execa(program, args, { reject: false, stdin: "ignore", cwd: "/" });
    if (started.exitCode !== 0) {
      const reason = started.stderr.trim().split("\n").at(-1) ?? "";
      const advice = reason.includes("No such file") ? ": install libvirt-daemon-system" : "";
      throw new ProviderError(
        `libvirtd does not start in ${places.namespace}: ${reason}${advice} (log: ${places.state}/log/libvirtd.log)`,
      );
    }
  }
  const answer = await execa("virsh", ["-c", places.uri, "uri"], { reject: false, timeout: 20_000 });
  if (answer.exitCode !== 0) {
    throw new ProviderError(
      `libvirtd in ${places.namespace} does not answer: see ${places.state}/log/libvirtd.log`,
    );
  }
}

/** Starts the sandbox's first process and returns its pid once its mounts exist. */
async function startInit(places: SandboxPlaces): Promise<number> {
  const [program = "", ...args] = [
    ...ownScope(),
    ...["ip", "netns", "exec", places.namespace],
    ...["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", init, "sh"],
    ...[places.runtime, places.state, await nameServerFile(places)],
  ];
  const child = spawn(program, args, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  // It prints "ready", or exits.
  await Promise.race([once(child.stdout, "data"), once(child, "close"), once(child, "error")]);
  const pid = (await processesIn(places.namespace)).find(({ isInit }) => isInit)?.pid;
  if (pid === undefined || child.exitCode !== null) {
    const reason = complaints.join("").trim().split("\n").at(-1) ?? "";
    throw new ProviderError(`the mounts of ${places.namespace} failed: ${reason}`);
  }
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  await writeFile(initFile(places), String(pid));
  return pid;
}

/**
 * Path of the file that resolv.conf is, onto which the sandbox mounts its own. On many hosts it is a link into /run, which is
 * another folder in the sandbox, so the target is created there.
 */
async function nameServerFile({ runtime }: SandboxPlaces): Promise<string> {
  await writeFile(join(runtime, "resolv.conf"), `nameserver ${NAME_SERVER}\n`);
  const file = await realpath("/etc/resolv.conf").catch(() => "/etc/resolv.conf");
  const inside = file.startsWith("/run/") ? join(runtime, file.slice("/run".length)) : undefined;
  if (inside !== undefined) {
    await mkdir(dirname(inside), { recursive: true });
    await writeFile(inside, "");
  }
  return file;
}

/** Names the namespace of the sandbox's first process again if somebody has removed the name. */
export async function recoverNamespace(places: SandboxPlaces): Promise<void> {
  if (await namespaceExists(places.namespace)) return;
  const pid = Number(await readFile(initFile(places), "utf8").catch(() => "0"));
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  // Process ids are reused.
  if (commandLine.split("\0").includes(places.runtime)) await attachNamespace(places.namespace, pid);
}

const initFile = (places: SandboxPlaces) => join(places.runtime, "init.pid");

async function makeDirectories({
  runtime,
  state,
  pool,
  console,
  containers,
  shared,
}: SandboxPlaces): Promise<void> {
  await Promise.all([
    // libvirtd's dnsmasq runs as its own user and needs access to /run and /var/lib/libvirt.
    ...[runtime, ...["libvirt", "hugepages", "udev"].map((part) => join(runtime, part))].map((directory) =>
      makeDirectory(directory, 0o755),
    ),
    makeDirectory(state, 0o700),
  ]);
  await Promise.all([
    makeDirectory(join(state, "lib"), 0o755),
    makeDirectory(shared, 0o1777),
    ...[pool, console, containers, ...["etc", "cache", "log"].map((part) => join(state, part))].map(
      (directory) => makeDirectory(directory, 0o700),
    ),
  ]);
  await Promise.all([
    writeFile(join(state, "etc", "qemu.conf"), qemuConf, { mode: 0o600 }),
    writeFile(join(state, "etc", "libvirtd.conf"), libvirtdConf, { mode: 0o600 }),
  ]);
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode); // mkdir's own mode is subject to the umask
}
