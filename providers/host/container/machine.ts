import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { ProviderError } from "../../framework/resource.ts";
import type { ContainerInputs } from "./inputs.ts";
import { ownScope } from "../systemd-scope.ts";
import { isMissing } from "./files.ts";

/** How long a machine may take until it answers SSH, and to shut down, in milliseconds. */
const BOOT_PATIENCE = 60_000;
const SHUTDOWN_PATIENCE = 20_000;

/** Whether the machine in this directory runs. */
export async function isRunning(directory: string): Promise<boolean> {
  return (await findLeader(directory)) !== undefined;
}

/** Boots the machine and waits until it answers SSH. */
export async function start(
  directory: string,
  inputs: ContainerInputs,
  consoleLog: string,
  signal: AbortSignal,
): Promise<void> {
  const group = groupOf(directory);
  const console = await open(consoleLog, "w", 0o600);
  const [program, ...args] = [
    ...scope(group, inputs),
    ...["nsenter", `--net=${inputs.networkNamespace}`, "--"],
    ...["unshare", "--mount", "--propagation=private", "--"],
    join(import.meta.dirname, "boot"),
    ...nspawnArguments(inputs),
  ] as [string, ...string[]];
  // Detached: the machine outlives this process and gets no signals of its terminal.
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", console.fd, console.fd],
    env: {
      PATH: process.env.PATH,
      AI_HOW_DIRECTORY: directory,
      AI_HOW_IMAGE: inputs.rootDirectory,
      AI_HOW_CGROUP: group,
      AI_HOW_CPU_QUOTA: inputs.cpus === undefined ? "" : String(Math.round(inputs.cpus * 100_000)),
      AI_HOW_MEMORY: inputs.memoryMib === undefined ? "" : String(inputs.memoryMib * 2 ** 20),
    },
  });
  const failed = new Promise<string>((resolve) => {
    child.once("error", (error) => {
      resolve(error.message);
    });
    child.once("exit", (code, by) => {
      resolve(`systemd-nspawn ended (${by ?? code})`);
    });
  });
  child.unref();
  await console.close();
  const reason = await Promise.race([failed, answersSsh(inputs, signal)]);
  if (reason === undefined) return;
  const tail = (await readFile(consoleLog, "utf8")).trim().split("\n").slice(-10).join("\n");
  await end(directory, "at once");
  throw new ProviderError(`${inputs.hostname} did not boot: ${reason}\n${tail}`);
}

/** Ends the machine and all its processes: by its own shutdown, or at once. Succeeds if nothing runs. */
export async function end(directory: string, how: "orderly" | "at once"): Promise<void> {
  const leader = await findLeader(directory);
  if (leader !== undefined && how === "orderly") {
    // The leader's child is systemd-nspawn, which on SIGTERM tells the machine's init to power off.
    const children = await readFile(`/proc/${leader}/task/${leader}/children`, "utf8").catch(() => "");
    for (const child of children.trim().split(" ")) if (child !== "") process.kill(Number(child), "SIGTERM");
    await waitFor(async () => !(await isRunning(directory)), SHUTDOWN_PATIENCE);
  }
  // Even without a leader: a killed leader may have left processes and its control group.
  await execa(join(import.meta.dirname, "end"), [groupOf(directory)]);
  if (!(await waitFor(async () => !(await isRunning(directory)), 10_000))) {
    throw new Error(`${directory} cannot be ended`);
  }
}

/** Process id of the leader: ./boot, which has become systemd-nspawn. */
async function findLeader(directory: string): Promise<number | undefined> {
  try {
    const [pid, started, boot] = (await readFile(join(directory, "leader"), "utf8")).trim().split(" ");
    if (boot !== (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim()) return undefined;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Process ids are reused: the start time tells whether it is the same process. A zombie has ended.
    return fields[19] === started && fields[0] !== "Z" ? Number(pid) : undefined;
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && "code" in error && error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

/** Name of the machine's control group, the same in every hierarchy, and of its scope. */
export function groupOf(directory: string): string {
  const digest = createHash("sha256").update(directory).digest("hex").slice(0, 8);
  return `ai-how-${basename(directory).slice(0, 40)}-${digest}`;
}

function scope(group: string, inputs: ContainerInputs): string[] {
  return ownScope({
    unit: group,
    properties: [
      "Delegate=yes",
      ...(inputs.cpus === undefined ? [] : [`CPUQuota=${Math.round(inputs.cpus * 100)}%`]),
      ...(inputs.memoryMib === undefined ? [] : [`MemoryMax=${inputs.memoryMib}M`]),
    ],
  });
}

function nspawnArguments(inputs: ContainerInputs): string[] {
  return [
    "--boot",
    "--quiet",
    // systemd-machined may be missing, and is not needed.
    "--register=no",
    "--keep-unit",
    `--machine=${inputs.name}`,
    `--hostname=${inputs.hostname}`,
    `--network-bridge=${inputs.bridge}`,
    "--kill-signal=SIGRTMIN+3",
    "--console=pipe",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    ...inputs.binds.map(
      ({ source, target, readOnly }) => `--bind${readOnly ? "-ro" : ""}=${source}:${target}`,
    ),
  ];
}

/** Waits for the greeting of the machine's sshd; undefined once it has come, else the reason. */
async function answersSsh(inputs: ContainerInputs, signal: AbortSignal): Promise<string | undefined> {
  const address = inputs.address.split("/")[0] ?? "";
  const greet = `exec 3<>/dev/tcp/${address}/22 && read -r -t 5 line <&3 && [[ $line == SSH-* ]]`;
  const answered = await waitFor(async () => {
    if (signal.aborted) return true;
    const probe = ["--net=" + inputs.networkNamespace, "--", "timeout", "5", "bash", "-c", greet];
    return (await execa("nsenter", probe, { reject: false, stderr: "ignore" })).exitCode === 0;
  }, BOOT_PATIENCE);
  if (signal.aborted) return "cancelled";
  return answered ? undefined : `no SSH at ${address} after ${BOOT_PATIENCE / 1000} s`;
}

async function waitFor(condition: () => Promise<boolean>, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}
