import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProviderError } from "../framework/resource.ts";
import { namespacePath } from "./network-namespace.ts";
import type { SandboxPlaces } from "./sandbox-places.ts";
import { ownScope } from "./systemd-scope.ts";

// slirp4netns is a program of the host's network that answers as a router in the sandbox's: the host's routes, firewall and
// interfaces stay as they are, and nobody outside can begin a connection. Its network is one of those that providers use among
// themselves (RFC 6598), so no cluster's is the same.
const NETWORK = "100.127.0";
const ARGUMENTS = ["--configure", "--mtu=65520", "--disable-host-loopback", `--cidr=${NETWORK}.0/24`];

/** The name server of a sandbox with a way out: it asks those of the host. */
export const NAME_SERVER = `${NETWORK}.3`;

const pidFile = (places: SandboxPlaces): string => join(places.runtime, "way-out.pid");

/** Whether the sandbox reaches networks outside. */
export async function hasWayOut(places: SandboxPlaces): Promise<boolean> {
  return (await runningPid(places)) !== undefined;
}

/** Opens the way out; also when it is open already. */
export async function openWayOut(places: SandboxPlaces): Promise<void> {
  if (await hasWayOut(places)) return;
  const log = join(places.state, "log", "way-out.log");
  const output = openSync(log, "w", 0o600);
  const [program = "", ...args] = [
    ...ownScope(),
    ...["slirp4netns", ...ARGUMENTS, "--ready-fd=3", "--netns-type=path"],
    ...[namespacePath(places.namespace), "out0"],
  ];
  const child = spawn(program, args, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", output, output, "pipe"],
  });
  const missing = once(child, "error").then(() => "is not installed");
  const ready = child.stdio[3];
  if (ready === null || ready === undefined) throw new Error("slirp4netns has no pipe");
  const problem = await Promise.race([
    missing,
    once(ready, "data").then(() => undefined),
    once(child, "close").then(() => `does not start (log: ${log})`),
  ]);
  if (problem !== undefined || child.pid === undefined) {
    throw new ProviderError(
      `slirp4netns, by which machines reach the internet, ${problem ?? "does not start"}: run \`make setup\`, or write \`internet: false\` into the cluster file`,
    );
  }
  await writeFile(pidFile(places), String(child.pid));
  if ("destroy" in ready) ready.destroy();
  child.unref();
}

/** Closes the way out; also when there is none. */
export async function closeWayOut(places: SandboxPlaces): Promise<void> {
  const pid = await runningPid(places);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  await rm(pidFile(places), { force: true });
}

/** The number of the process; undefined when it has ended. */
async function runningPid(places: SandboxPlaces): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile(places), "utf8").catch(() => "0"));
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  // The number may be another process's by now.
  return commandLine.split("\0").includes(namespacePath(places.namespace)) ? pid : undefined;
}
