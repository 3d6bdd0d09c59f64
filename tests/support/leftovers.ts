import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { groupOf } from "../../providers/host/container/machine.ts";
import { sandboxPlaces } from "../../providers/host/sandbox-places.ts";
import { bridgeOf } from "./cluster-file.ts";
import { isAlive, processes } from "./processes.ts";
import { repository } from "./project.ts";

/** What there is to look for. */
export interface Traces {
  readonly stack: string;
  /** Name of the cluster: begins the name of every machine. */
  readonly cluster: string;
  /** Names of all machines that it ever had. */
  readonly machines: ReadonlySet<string>;
  /** Network namespaces that the stack had, as `net:[4026532000]`: a process may outlive their names. */
  readonly networkNamespaces: ReadonlySet<string>;
  /** When the stack was first worked on, in milliseconds since 1970. */
  readonly since: number;
}

/** Everything on this host that is there because of a stack, one line each. */
export function leftovers(traces: Traces): string[] {
  return [
    ...leftProcesses(traces),
    ...leftMounts(traces),
    ...leftPlaces(traces),
    ...leftState(traces),
    ...leftTemporary(traces),
    ...leftLibvirt(traces),
    ...leftControlGroups(traces),
    ...readdirSync("/sys/class/net")
      .filter((name) => name === bridgeOf(traces.cluster))
      .map((name) => `interface ${name}`),
  ];
}

function leftProcesses({ stack, cluster, networkNamespaces }: Traces): string[] {
  const own = readlinkSync("/proc/self/ns/mnt");
  return processes()
    .filter(
      ({ arguments: args, environment, mounts, mountNamespace, networkNamespace }) =>
        names(stack, args.join(" ")) ||
        names(stack, environment) ||
        // Ansible and ssh know the machines' names only, which another checkout's stack may have, too.
        (args.join(" ").includes(repository) && environment.includes(`${cluster}-controller`)) ||
        // The number of a namespace that has gone is soon another's.
        (!isOfOtherTests(environment) &&
          ((mountNamespace !== own && names(stack, mounts)) || networkNamespaces.has(networkNamespace))),
    )
    .map(({ pid, arguments: args }) => `process ${pid}: ${args.join(" ").slice(0, 120)}`);
}

/** True for what tests of another file started: a daemon with mounts of its own keeps a copy of those that it began among. */
function isOfOtherTests(environment: string): boolean {
  const variables = environment.split("\0");
  const temporary = variables.find((variable) => variable.startsWith("TMPDIR="));
  if (temporary !== undefined) return temporary !== `TMPDIR=${tmpdir()}`;
  // A container machine says whose it is, and nothing else.
  return variables.some((variable) => variable.startsWith("AI_HOW_DIRECTORY="));
}

/** True when a text speaks of the stack's namespace, folders or program. */
function names(stack: string, text: string): boolean {
  return [`ai-how-${stack}`, `/ai-how/${stack}`, `--stack=${stack}`].some((trace) => text.includes(trace));
}

function leftMounts({ stack }: Traces): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => names(stack, line))
    .map((line) => `mount ${line.split(" ")[4] ?? line}`);
}

function leftPlaces({ stack }: Traces): string[] {
  const places = [`/run/netns/ai-how-${stack}`, `/run/ai-how/${stack}`, `/var/lib/ai-how/${stack}`];
  const emptied = ["/run/ai-how", "/var/lib/ai-how"].filter((folder) => list(folder)?.length === 0);
  return [...places.filter((place) => existsSync(place)), ...emptied];
}

function leftState({ stack }: Traces): string[] {
  const folder = join(repository, ".ai-how");
  return [
    ...(list(folder) ?? []).filter((name) => name.startsWith(`${stack}.`)),
    ...(list(join(folder, "cache", "images")) ?? []).filter((name) => {
      const pid = /^\.building-(\d+)-/.exec(name)?.[1];
      return pid !== undefined && !isAlive(Number(pid));
    }),
  ].map((name) => `.ai-how: ${name}`);
}

/** Folders that Ansible and ssh runs make for themselves: of runs that are over. */
function leftTemporary({ since }: Traces): string[] {
  return [tmpdir(), ...(process.env.XDG_RUNTIME_DIR === undefined ? [] : [process.env.XDG_RUNTIME_DIR])]
    .flatMap((folder) => (list(folder) ?? []).map((name) => join(folder, name)))
    .filter((path) => {
      const pid = /^ai-how-\d+-(\d+)-/.exec(basename(path))?.[1];
      if (pid === undefined || isAlive(Number(pid))) return false;
      const made = statSync(path, { throwIfNoEntry: false })?.birthtimeMs;
      return made !== undefined && made >= since;
    });
}

/** Files of the host's own libvirt, which no stack may touch. */
function leftLibvirt({ stack, cluster }: Traces): string[] {
  const folders = ["/etc", "/var/lib", "/var/cache", "/var/log", "/run"].map((parent) =>
    join(parent, "libvirt"),
  );
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => basename(name).startsWith(`${cluster}-`) || name.includes(stack))
        .map((name) => join(folder, name)),
    );
}

function leftControlGroups({ stack, machines }: Traces): string[] {
  const groups = new Set([...machines].map((name) => groupOf(join(sandboxPlaces(stack).containers, name))));
  const found = execFileSync(
    "find",
    ["/sys/fs/cgroup", "-maxdepth", "3", "-type", "d", "-name", "ai-how-*"],
    {
      encoding: "utf8",
    },
  );
  return found
    .split("\n")
    .filter((path) => groups.has(basename(path)))
    .map((path) => `control group ${path}`);
}

/** The names in a folder; undefined when it is not there. */
function list(folder: string): string[] | undefined {
  return existsSync(folder) ? readdirSync(folder) : undefined;
}

/** What `up` could change on the host itself, outside any sandbox: to compare before and after. */
export function hostState(): Record<string, string> {
  const said = (command: string, ...args: string[]): string => {
    try {
      return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      return "cannot be asked";
    }
  };
  const dated = (...folders: string[]): string =>
    said(
      "find",
      ...folders.filter((folder) => existsSync(folder)),
      "-maxdepth",
      "4",
      "-printf",
      "%p %T@ %s\n",
    );
  return {
    namespaces: said("ip", "netns", "list"),
    interfaces: said("ip", "-oneline", "link", "show"),
    routes: said("ip", "route", "show", "table", "all"),
    rules: said("ip", "rule", "show"),
    // Without counters, which go on by themselves.
    firewall: said("nft", "--stateless", "list", "ruleset"),
    forwarding: readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8"),
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    libvirt: dated("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/run/libvirt"),
    sandboxes: said("find", "/run/ai-how", "/var/lib/ai-how", "-maxdepth", "1"),
    // Without the bundles of workflows, which unit tests that run beside make where there are none.
    state: said(
      "find",
      join(repository, ".ai-how"),
      ...["-maxdepth", "3", "-path", "*/.ai-how/cache/workflows", "-prune", "-o", "-type", "f"],
      ...["-printf", "%p %T@ %s\n"],
    ),
  };
}
