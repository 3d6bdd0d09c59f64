import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProviderError } from "../framework/resource.ts";
import { namespacePath } from "./network-namespace.ts";
import type { SandboxPlaces } from "./sandbox-places.ts";
import { ownScope } from "./systemd-scope.ts";

// slirp4netns runs in the host's network and acts as a router in the sandbox's. It changes no routes, firewall rules or
// interfaces of the host, and accepts no connections from outside. Its network is from the range that RFC 6598 reserves for
// providers, so it does not collide with a cluster's.
const NETWORK = "100.127.0";
const ARGUMENTS = ["--configure", "--mtu=65520", "--disable-host-loopback", `--cidr=${NETWORK}.0/24`];

/** slirp4netns' name server: it forwards to the host's. */
export const NAME_SERVER = `${NETWORK}.3`;

const pidFile = (places: SandboxPlaces): string => join(places.runtime, "way-out.pid");

/** Whether the sandbox reaches networks outside. */
export async function hasWayOut(places: SandboxPlaces): Promise<boolean> {
  return (await runningPid(places)) !== undefined;
}

/** Starts slirp4netns unless it runs. */
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

/** Ends slirp4netns if it runs. */
export async function closeWayOut(places: SandboxPlaces): Promise<void> {
  const pid = await runningPid(places);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  await rm(pidFile(places), { force: true });
}

/** Process id of slirp4netns; undefined if it has ended. */
async function runningPid(places: SandboxPlaces): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile(places), "utf8").catch(() => "0"));
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  // Process ids are reused.
  return commandLine.split("\0").includes(namespacePath(places.namespace)) ? pid : undefined;
}
