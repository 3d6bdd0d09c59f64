import { mkdir, readFile, rm, writeFile, rmdir } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent } from "../../engine/events.ts";
import { needsOf } from "../doctor/workstation/needs.ts";
import { virtiofsd } from "../doctor/workstation/storage.ts";
import { HugePages } from "./huge-pages.ts";
import type { Guest, VerifyContext } from "./context.ts";
import { attempt, failed, lastLine, notTried, passed, succeeded, type Outcome, type Result } from "./step.ts";
import { CONSOLE_LOG, freeSubnet, NAME, type Throwaway, type ThrowawayPlan } from "./throwaway.ts";

/** How the throwaway machine is created and reached; tests replace it. */
export interface ThrowawaySetup {
  readonly throwaway: Pick<Throwaway, "clean" | "make" | "remove">;
  reach(login: Awaited<ReturnType<Throwaway["make"]>>): Guest;
  /** The part of the plan that does not depend on the stack's cluster file. */
  readonly plan: Pick<ThrowawayPlan, "cacheDirectory" | "poolDirectory" | "mirror">;
  /** Folder for the machine's shared folders. */
  readonly shares: string;
}

const MEMORY_MIB = 1024;
const MOUNT = "/mnt/verify";
const CONSOLE_TRIES = 25;
// The steps of creating a machine, in order, with the resource types of each.
const PARTS: readonly { step: string; types: readonly string[]; remedy: string }[] = [
  {
    step: "image",
    types: ["host:index:Image"],
    remedy: "look at build.log in /var/cache/ai-how/images, and run `ai-how doctor workstation`",
  },
  {
    step: "network",
    types: ["libvirt:index:Network"],
    remedy: "run `virsh net-list --all` and `ai-how doctor workstation`",
  },
  {
    step: "disk",
    types: ["libvirt:index:StoragePool", "libvirt:index:Volume", "libvirt:index:CloudInitDisk"],
    remedy: "run `virsh pool-list --all` and `ai-how doctor workstation`",
  },
  {
    step: "start",
    types: ["libvirt:index:Domain"],
    remedy: `look at /var/log/libvirt/qemu/${NAME}.log, and run \`ai-how doctor workstation\``,
  },
  {
    step: "SSH",
    types: ["host:index:SshReady"],
    remedy: "look at the end of its console, which the report of --json contains",
  },
];

/** Creates a machine with this host's own libvirt, verifies it from inside and outside, and removes it. */
export async function* verifyMachine(context: VerifyContext, setup: ThrowawaySetup): AsyncGenerator<Result> {
  const { host, site, libvirtUri } = context;
  const { vms, mounts } = needsOf(site);
  const pages = new HugePages(context, MEMORY_MIB);
  if ((await setup.throwaway.clean(host)) || (await pages.clean()))
    yield await attempt("leftovers", NAME, () => passed("those of an earlier run are removed"));
  const share = join(setup.shares, NAME);
  await rm(share, { recursive: true, force: true });
  await mkdir(share, { recursive: true, mode: 0o700 });
  try {
    const [program] = await virtiofsd(host, { ...needsOf(site), mounts: [...mounts, ANY_MOUNT] });
    const canShare = program?.level === "pass";
    yield* pages.prepare();
    const plan: ThrowawayPlan = {
      ...setup.plan,
      libvirtUri,
      // As in the stack, emulation is used only if all clusters ask for it.
      type: vms.length > 0 && vms.every(({ acceleration }) => acceleration.mode === "tcg") ? "qemu" : "kvm",
      memoryMib: MEMORY_MIB,
      hugepages: pages.size,
      share: canShare ? share : undefined,
    };
    const parts = new Parts();
    const subnet = await freeSubnet(host);
    const login = await setup.throwaway.make(plan, subnet, parts.listen).catch((error: unknown) => {
      parts.failed(error);
    });
    const console = await consoleText(context);
    yield* parts.results(plan.type, console);
    const steps = stepsInside(context, share, canShare, pages);
    for (const [step, work] of steps) {
      yield await attempt(step, NAME, () =>
        login === undefined ? notTried("the machine is not up") : work(setup.reach(login)),
      );
    }
  } finally {
    yield await attempt("removal", NAME, async () => {
      await setup.throwaway.remove(host);
      await rm(share, { recursive: true, force: true });
      await rmdir(setup.shares).catch(() => undefined); // fails, as it should, while the folder has sandboxes
      return left(context, await pages.giveBack());
    });
  }
}

const ANY_MOUNT = { tag: "verify", hostPath: MOUNT, mountPoint: MOUNT, options: "rw" };

type Step = readonly [name: string, work: (guest: Guest) => Outcome | Promise<Outcome>];

function stepsInside(
  context: VerifyContext,
  share: string,
  canShare: boolean,
  pages: HugePages,
): readonly Step[] {
  return [
    ["console log", (guest) => consoleLog(context, guest)],
    [
      "virtiofs",
      (guest) =>
        canShare
          ? roundTrip(guest, share)
          : notTried("virtiofsd is missing; run `ai-how doctor workstation`"),
    ],
    ["huge pages", async () => pages.used(await processOf(context))],
    ["package mirror", mirror],
    ["AppArmor", () => confinement(context)],
  ];
}

/** Collects which parts of the machine were created, and which failed. */
class Parts {
  readonly #seconds = new Map<string, number>();
  #failure: { step: string; message: string } | undefined;

  readonly listen = (event: EngineEvent): void => {
    if (event.type !== "done" && event.type !== "failed") return;
    const part = PARTS.find(({ types }) => types.some((type) => event.urn.includes(`$${type}::`)));
    if (part === undefined) return;
    if (event.type === "done")
      this.#seconds.set(part.step, (this.#seconds.get(part.step) ?? 0) + event.seconds);
    else this.#failure ??= { step: part.step, message: event.message };
  };

  /** Records an error that belongs to no resource. */
  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const next = PARTS.find(({ step }) => !this.#seconds.has(step)) ?? PARTS[0];
    this.#failure ??= { step: next?.step ?? "", message };
  }

  *results(type: string, console: string): Generator<Result> {
    const stoppedAt = PARTS.findIndex(({ step }) => step === this.#failure?.step);
    for (const [index, { step, remedy }] of PARTS.entries()) {
      const seconds = Math.round((this.#seconds.get(step) ?? 0) * 10) / 10;
      const of = { step, subject: NAME, seconds };
      if (stoppedAt === index) {
        const found = (this.#failure?.message ?? "")
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== "")
          .slice(0, 2)
          .join(" ");
        const evidence = console.split("\n").slice(-30).join("\n").trim();
        yield { ...of, ...failed(found, remedy, evidence === "" ? undefined : evidence) };
      } else if (
        stoppedAt >= 0 &&
        (index > stoppedAt || !this.#seconds.has(step)) &&
        !(step === "network" && this.#seconds.has(step))
      ) {
        yield { ...of, ...notTried(`${PARTS[stoppedAt]?.step ?? ""} failed`) };
      } else {
        yield {
          ...of,
          ...passed(
            step === "start"
              ? `runs with ${type === "kvm" ? "KVM" : "emulation"}`
              : step === "SSH"
                ? "answers"
                : "created",
          ),
        };
      }
    }
  }
}

/** Process number of the machine; undefined: it does not run. */
async function processOf({ host }: VerifyContext): Promise<string | undefined> {
  for (const pid of await host.list("proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = (await host.text(`proc/${pid}/cmdline`)) ?? "";
    if (command.includes(`guest=${NAME},`)) return pid;
  }
  return undefined;
}

/** Text of the machine's console, read in the mount namespace of its process. */
async function consoleText(context: VerifyContext): Promise<string> {
  const pid = await processOf(context);
  const inside = pid === undefined ? undefined : await context.host.text(`proc/${pid}/root${CONSOLE_LOG}`);
  return inside ?? (await context.host.text(CONSOLE_LOG)) ?? "";
}

/** Verifies that console output arrives in the log. Writes a line, because a boot without problems prints none. */
async function consoleLog(context: VerifyContext, guest: Guest): Promise<Outcome> {
  const word = `ai-how verify ${randomUUID()}`;
  const result = await guest.run("sh", "-c", `echo ${word} >/dev/console`);
  if (!succeeded(result)) return failed(lastLine(result), "check that the machine has a serial console");
  for (let tries = 0; tries < CONSOLE_TRIES; tries++) {
    if ((await consoleText(context)).includes(word)) return passed(`a line arrived in ${CONSOLE_LOG}`);
    await sleep(200, undefined, { signal: context.signal });
  }
  return failed(
    `a line did not arrive in ${CONSOLE_LOG}`,
    "check that virtlogd runs, and look at its journal",
  );
}

/** Verifies the shared folder: the machine reads a file of the host, and the host a file of the machine. */
async function roundTrip(guest: Guest, share: string): Promise<Outcome> {
  const [there, back] = [randomUUID(), randomUUID()];
  await writeFile(join(share, "there"), there);
  const result = await guest.run("sh", "-c", `cat ${MOUNT}/there && printf %s ${back} > ${MOUNT}/back`);
  if (!succeeded(result) || result.stdout.trim() !== there)
    return failed(
      `the machine cannot read the folder: ${lastLine(result)}`,
      "look at virtiofsd's log in /var/log/libvirt/qemu",
    );
  const got = await readFile(join(share, "back"), "utf8").catch(() => "");
  if (got !== back)
    return failed(
      "the host does not see the file that the machine wrote",
      "look at virtiofsd's log in /var/log/libvirt/qemu",
    );
  return passed("host and machine read each other's files");
}

/** Verifies that the machine reaches its package mirror. */
async function mirror(guest: Guest): Promise<Outcome> {
  const options = [
    "-o",
    "APT::Update::Error-Mode=any",
    "-o",
    "Acquire::http::Timeout=30",
    "-o",
    "Acquire::Retries=1",
  ];
  const result = await guest.run("apt-get", "-qq", ...options, "update");
  if (succeeded(result)) {
    const sources = await guest.run("apt-get", "indextargets", "--format", "$(SITE)");
    const sites =
      sources.kind === "ended" ? [...new Set(sources.stdout.split("\n").filter((line) => line !== ""))] : [];
    return passed(`has the package lists of ${sites.join(", ")}`);
  }
  const remedy =
    "check that this host forwards packets (`sysctl net.ipv4.ip_forward`) and resolves names, and run `ai-how doctor workstation`";
  return failed(lastLine(result), remedy, result.kind === "ended" ? result.output : undefined);
}

/** Verifies that AppArmor confines the machine's process. */
async function confinement(context: VerifyContext): Promise<Outcome> {
  const enabled = (await context.host.text("sys/module/apparmor/parameters/enabled"))?.trim();
  if (enabled !== "Y") return notTried("AppArmor is off in this host's kernel");
  const pid = await processOf(context);
  const files = ["attr/apparmor/current", "attr/current"].map((file) => `proc/${pid ?? ""}/${file}`);
  const profile = (await Promise.all(files.map((file) => context.host.text(file)))).find(
    (text) => text !== undefined && text.trim() !== "",
  );
  const found = profile?.trim() ?? "no profile";
  if (/^libvirt-.*\(enforce\)/.test(found)) return passed(found);
  return failed(
    found,
    'set security_driver in /etc/libvirt/qemu.conf to "apparmor" or remove it, and restart libvirtd',
  );
}

/** Verifies that nothing of the machine is left on the host. */
async function left({ host, libvirtUri }: VerifyContext, pagesLeft: string | undefined): Promise<Outcome> {
  const lists = [
    ["list", "--all", "--name"],
    ["net-list", "--all", "--name"],
    ["pool-list", "--all", "--name"],
  ] as const;
  const found: string[] = [];
  for (const list of lists) {
    const result = await host.run("virsh", "--quiet", "--connect", libvirtUri, ...list);
    if (result.kind === "ended" && result.stdout.split("\n").some((line) => line.trim() === NAME))
      found.push(list[0]);
  }
  if (pagesLeft !== undefined) found.push(pagesLeft);
  if (found.length === 0) return passed("nothing is left");
  return failed(
    `still there: ${found.join(", ")}`,
    "run `ai-how verify` again: it first removes what is left",
  );
}
