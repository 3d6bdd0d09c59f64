import type { Command } from "commander";
import { execa } from "execa";
import { join } from "node:path";
import { UserError } from "../../config/errors.ts";
import { plainStackValue } from "../../engine/project.ts";
import { connect, ssh, type Connection } from "../connection.ts";
import { siteOf } from "../doctor/index.ts";
import { Host, type ProgramResult } from "../doctor/host.ts";
import { openStack, type StackOptions } from "../stack.ts";
import { verifyDevices } from "./devices.ts";
import { verifyGpus } from "./gpus.ts";
import { verifyJobs } from "./jobs.ts";
import { verifyMachine, type ThrowawaySetup } from "./machine.ts";
import { verifyCatalogue, verifyPartitioning } from "./mig.ts";
import { verifyAfterReboot } from "./reboot.ts";
import { document, shown, summary } from "./report.ts";
import type { Guest, VerifyContext } from "./context.ts";
import type { Result } from "./step.ts";
import { Throwaway, type ThrowawayLogin } from "./throwaway.ts";

const COMMAND_MS = 600_000;

interface VerifyOptions {
  readonly json?: boolean;
  readonly afterReboot?: boolean;
}

/** `verify [stack]`: verifies a workstation step by step on the machine itself. Exits with 1 if a step fails. */
export function addVerify(program: Command): void {
  program
    .command("verify")
    .description(
      "prove step by step that this machine can do what the stack's cluster file says; leaves nothing behind",
    )
    .argument("[stack]", "the stack", "workstation")
    .option("--json", "as JSON: {stack, host, passed, failures, notTried, steps}")
    .option("--after-reboot", "verify only what has to be back after a reboot of this host")
    .action(async (stack: string, options: VerifyOptions) => {
      const abort = new AbortController();
      const stop = (): void => {
        if (abort.signal.aborted) process.exit(130);
        process.stderr.write("stopping; the throwaway machine is removed first\n");
        abort.abort();
      };
      process.on("SIGINT", stop).on("SIGTERM", stop);
      // If the reader of the report goes away, as `head` does, the machine is removed as well.
      process.stdout.on("error", () => {
        abort.abort();
      });
      try {
        await verify(stack, options, abort.signal);
      } finally {
        process.off("SIGINT", stop).off("SIGTERM", stop);
      }
    });
}

async function verify(stack: string, options: VerifyOptions, signal: AbortSignal): Promise<void> {
  const { root, context } = await contextOf(stack, signal);
  const results: Result[] = [];
  const steps =
    options.afterReboot === true
      ? verifyAfterReboot(context)
      : allSteps(context, throwawaySetup(root, signal));
  for await (const result of steps) {
    results.push(result);
    if (options.json !== true) process.stdout.write(shown(result));
    if (signal.aborted) break;
  }
  process.stdout.write(
    options.json === true
      ? document({ stack, host: await hostFacts(context.host) }, results)
      : summary(results),
  );
  process.exitCode = signal.aborted ? 130 : results.some(({ status }) => status === "failed") ? 1 : 0;
}

async function* allSteps(context: VerifyContext, setup: ThrowawaySetup): AsyncGenerator<Result> {
  yield* verifyMachine(context, setup);
  yield* verifyDevices(context);
  yield* verifyGpus(context);
  yield* verifyCatalogue(context);
  yield* verifyPartitioning(context);
  yield* verifyJobs(context);
}

async function contextOf(
  stack: string,
  signal: AbortSignal,
): Promise<{ root: string; context: VerifyContext }> {
  const { reference, engine } = await openStack(stack, { engine: "auto" } satisfies StackOptions);
  const { root } = reference;
  const target = (await plainStackValue(root, stack, "ai-how:target")) ?? stack;
  if (target !== "workstation")
    throw new UserError(`verify is for the target workstation; the stack ${stack} has the target ${target}`, {
      exitCode: 2,
    });
  const libvirtUri = (await plainStackValue(root, stack, "ai-how:libvirtUri")) ?? "qemu:///system";
  if (!/^qemu(\+unix)?:\/\/\//.test(libvirtUri))
    throw new UserError(`ai-how:libvirtUri: ${libvirtUri} is another machine; run \`ai-how verify\` there`);
  if (process.getuid?.() !== 0)
    throw new UserError("verify creates a machine and binds devices, which needs root: run it with sudo");
  const connection = await connect(engine, stack).catch((error: unknown) => {
    if (error instanceof UserError) return undefined; // the stack is down
    throw error;
  });
  const guests = connection?.outputs.machines.map((machine) => guestOf(root, connection, machine)) ?? [];
  const host = new Host();
  const site = await siteOf(root, stack);
  const play = (name: string, variables: Readonly<Record<string, unknown>>) =>
    playHere(root, name, variables);
  return { root, context: { host, site, stack: owner(stack), libvirtUri, guests, play, signal } };
}

/** The owner of a stack's devices, as stacks/host-devices.ts names it. */
function owner(stack: string): string {
  return stack.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
}

function throwawaySetup(root: string, signal: AbortSignal): ThrowawaySetup {
  return {
    throwaway: new Throwaway(root, signal),
    reach: (login) => throwawayGuest(root, login),
    plan: {
      cacheDirectory: "/var/cache/ai-how",
      poolDirectory: "/var/lib/libvirt/images/ai-how-verify",
      mirror: undefined,
    },
    shares: "/var/lib/ai-how",
  };
}

function throwawayGuest(root: string, { adminKey, ...login }: ThrowawayLogin): Guest {
  const machine = {
    ...login,
    name: "ai-how-verify",
    shortName: "verify",
    role: "compute",
    kind: "vm",
  } as const;
  return guestOf(root, { privateKey: adminKey }, machine);
}

function guestOf(
  root: string,
  connection: Pick<Connection, "privateKey">,
  machine: Parameters<typeof ssh>[2],
): Guest {
  return {
    name: machine.name,
    shortName: machine.shortName,
    async run(...command) {
      const line = ["sudo", "--non-interactive", "--", ...command].map(quoted).join(" ");
      const settings = { reject: false, stdin: "ignore", all: true, timeout: COMMAND_MS } as const;
      const result = await ssh(root, connection, machine, [line], settings);
      // ssh exits with 255 if it cannot connect.
      if (result.exitCode === undefined || result.exitCode === 255) return { kind: "missing" };
      return { kind: "ended", exitCode: result.exitCode, stdout: result.stdout, output: result.all.trim() };
    },
  };
}

function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

async function playHere(
  root: string,
  name: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<ProgramResult> {
  const inventory = {
    all: { hosts: ["this-host"], vars: variables },
    _meta: { hostvars: { "this-host": { ansible_connection: "local" } } },
  };
  const result = await execa(join(root, "ansible", "run"), [name], {
    env: { AI_HOW_INVENTORY: "-" },
    input: JSON.stringify(inventory),
    all: true,
    reject: false,
  });
  return { kind: "ended", exitCode: result.exitCode ?? 1, stdout: result.stdout, output: result.all };
}

/** What identifies the host in a report. */
async function hostFacts(host: Host): Promise<Readonly<Record<string, string>>> {
  const [kernel, release, cpu] = [
    await host.text("proc/sys/kernel/osrelease"),
    await host.text("etc/os-release"),
    await host.text("proc/cpuinfo"),
  ];
  return {
    kernel: kernel?.trim() ?? "",
    distribution: /^PRETTY_NAME="?([^"\n]+)/m.exec(release ?? "")?.[1] ?? "",
    processor: /^model name\s*:\s*(.+)$/m.exec(cpu ?? "")?.[1] ?? "",
  };
}
