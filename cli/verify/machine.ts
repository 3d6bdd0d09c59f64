import { mkdir, readFile, rm, writeFile, rmdir } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent } from "../../engine/events.ts";
import { needsOf } from "../doctor/workstation/needs.ts";
import { virtiofsd } from "../doctor/workstation/storage.ts";
import { HugePages } from "./huge-pages.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  type Ground,
  type Guest,
  type Outcome,
  type Result,
} from "./step.ts";
import { CONSOLE_LOG, freeSubnet, NAME, type Throwaway, type ThrowawayPlan } from "./throwaway.ts";

/** How the throwaway machine is made and reached; tests have their own. */
export interface Workbench {
  readonly throwaway: Pick<Throwaway, "clean" | "make" | "remove">;
  reach(login: Awaited<ReturnType<Throwaway["make"]>>): Guest;
  /** What of the plan does not follow from the stack's cluster file. */
  readonly plan: Pick<ThrowawayPlan, "cacheDirectory" | "poolDirectory" | "mirror">;
  /** Where folders for the machine are made. */
  readonly shares: string;
}

const MEMORY_MIB = 1024;
const MOUNT = "/mnt/verify";
const CONSOLE_TRIES = 25;
// What makes a machine, in the order in which it is waited for.
const PARTS: readonly { step: string; types: readonly string[]; remedy: string }[] = [
  {
    step: "image",
    types: ["host:index:Image"],
    remedy:
      "build.log in /var/cache/ai-how/images says more; `ai-how doctor workstation` says what is missing",
  },
  {
    step: "network",
    types: ["libvirt:index:Network"],
    remedy: "`virsh net-list --all`, `ai-how doctor workstation`",
  },
  {
    step: "disk",
    types: ["libvirt:index:StoragePool", "libvirt:index:Volume", "libvirt:index:CloudInitDisk"],
    remedy: "`virsh pool-list --all`, `ai-how doctor workstation`",
  },
  {
    step: "start",
    types: ["libvirt:index:Domain"],
    remedy: `/var/log/libvirt/qemu/${NAME}.log says more; \`ai-how doctor workstation\` says what is missing`,
  },
  {
    step: "SSH",
    types: ["host:index:SshReady"],
    remedy: "the end of its console is in the report of --json",
  },
];

/** A machine on this host's own libvirt: made, looked at from inside and outside, and removed. */
export async function* verifyMachine(ground: Ground, bench: Workbench): AsyncGenerator<Result> {
  const { host, site, libvirtUri } = ground;
  const { vms, mounts } = needsOf(site);
  const pages = new HugePages(ground, MEMORY_MIB);
  if ((await bench.throwaway.clean(host)) || (await pages.clean()))
    yield await attempt("leftovers", NAME, () => Promise.resolve(passed("an earlier run's are removed")));
  const share = join(bench.shares, NAME);
  await rm(share, { recursive: true, force: true });
  await mkdir(share, { recursive: true, mode: 0o700 });
  try {
    const [program] = await virtiofsd(host, { ...needsOf(site), mounts: [...mounts, ANY_MOUNT] });
    const canShare = program?.level === "pass";
    yield* pages.prepare();
    const plan: ThrowawayPlan = {
      ...bench.plan,
      libvirtUri,
      // As the stack does: only who asks for emulation gets it.
      type: vms.length > 0 && vms.every(({ acceleration }) => acceleration.mode === "tcg") ? "qemu" : "kvm",
      memoryMib: MEMORY_MIB,
      hugepages: pages.size,
      share: canShare ? share : undefined,
    };
    const parts = new Parts();
    const subnet = await freeSubnet(host);
    const login = await bench.throwaway.make(plan, subnet, parts.listen).catch((error: unknown) => {
      parts.failed(error);
    });
    const console = await consoleText(ground);
    yield* parts.results(plan.type, console);
    const steps = stepsInside(ground, share, canShare, pages);
    for (const [step, work] of steps) {
      yield await attempt(step, NAME, () =>
        login === undefined ? Promise.resolve(notTried("the machine is not up")) : work(bench.reach(login)),
      );
    }
  } finally {
    yield await attempt("removal", NAME, async () => {
      await bench.throwaway.remove(host);
      await rm(share, { recursive: true, force: true });
      await rmdir(bench.shares).catch(() => undefined); // stays while sandboxes are in it
      return left(ground, await pages.giveBack());
    });
  }
}

const ANY_MOUNT = { tag: "verify", hostPath: MOUNT, mountPoint: MOUNT, options: "rw" };

type Step = readonly [name: string, work: (guest: Guest) => Promise<Outcome>];

function stepsInside(ground: Ground, share: string, canShare: boolean, pages: HugePages): readonly Step[] {
  return [
    ["console log", (guest) => consoleWord(ground, guest)],
    [
      "virtiofs",
      (guest) =>
        canShare
          ? roundTrip(guest, share)
          : Promise.resolve(notTried("there is no virtiofsd; `ai-how doctor workstation`")),
    ],
    ["huge pages", async () => pages.used(await processOf(ground))],
    ["package mirror", mirror],
    ["AppArmor", () => confinement(ground)],
  ];
}

/** What was done of each part, and what failed. */
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

  /** Something that no resource told of. */
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
        yield { ...of, ...notTried(`${PARTS[stoppedAt]?.step ?? ""} has failed`) };
      } else {
        yield {
          ...of,
          ...passed(step === "start" ? `runs, by ${type === "kvm" ? "KVM" : "emulation"}` : "made"),
        };
      }
    }
  }
}

/** Number of the machine's process; undefined where it does not run. */
async function processOf({ host }: Ground): Promise<string | undefined> {
  for (const pid of await host.list("proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = (await host.text(`proc/${pid}/cmdline`)) ?? "";
    if (command.includes(`guest=${NAME},`)) return pid;
  }
  return undefined;
}

/** What the machine has said on its console, as its own process sees the file. */
async function consoleText(ground: Ground): Promise<string> {
  const pid = await processOf(ground);
  const inside = pid === undefined ? undefined : await ground.host.text(`proc/${pid}/root${CONSOLE_LOG}`);
  return inside ?? (await ground.host.text(CONSOLE_LOG)) ?? "";
}

/** Whether what the machine says on its console arrives in the log; a boot that goes well says nothing. */
async function consoleWord(ground: Ground, guest: Guest): Promise<Outcome> {
  const word = `ai-how verify ${randomUUID()}`;
  const said = await guest.run("sh", "-c", `echo ${word} >/dev/console`);
  if (!succeeded(said)) return failed(lastLine(said), "see whether the machine has a serial console");
  for (let tries = 0; tries < CONSOLE_TRIES; tries++) {
    if ((await consoleText(ground)).includes(word)) return passed(`what it says is in ${CONSOLE_LOG}`);
    await sleep(200, undefined, { signal: ground.signal });
  }
  return failed(
    `what it says does not arrive in ${CONSOLE_LOG}`,
    "see whether virtlogd runs, and its journal",
  );
}

/** A word from the host to the machine and one back, by the folder that both have. */
async function roundTrip(guest: Guest, share: string): Promise<Outcome> {
  const [there, back] = [randomUUID(), randomUUID()];
  await writeFile(join(share, "there"), there);
  const said = await guest.run("sh", "-c", `cat ${MOUNT}/there && printf %s ${back} > ${MOUNT}/back`);
  if (!succeeded(said) || said.stdout.trim() !== there)
    return failed(
      `the machine does not read the folder: ${lastLine(said)}`,
      "see virtiofsd's log in /var/log/libvirt/qemu",
    );
  const got = await readFile(join(share, "back"), "utf8").catch(() => "");
  if (got !== back)
    return failed("what the machine writes does not arrive", "see virtiofsd's log in /var/log/libvirt/qemu");
  return passed("a word there and one back");
}

/** Whether the machine reaches what its packages come from. */
async function mirror(guest: Guest): Promise<Outcome> {
  const options = [
    "-o",
    "APT::Update::Error-Mode=any",
    "-o",
    "Acquire::http::Timeout=30",
    "-o",
    "Acquire::Retries=1",
  ];
  const said = await guest.run("apt-get", "-qq", ...options, "update");
  if (succeeded(said)) {
    const sources = await guest.run("apt-get", "indextargets", "--format", "$(SITE)");
    const sites =
      sources.kind === "said" ? [...new Set(sources.stdout.split("\n").filter((line) => line !== ""))] : [];
    return passed(`package lists of ${sites.join(", ")} are here`);
  }
  const remedy =
    "see whether this host forwards (`sysctl net.ipv4.ip_forward`), resolves names, and `ai-how doctor workstation` on Docker";
  return failed(lastLine(said), remedy, said.kind === "said" ? said.output : undefined);
}

/** Whether AppArmor holds the machine's process. */
async function confinement(ground: Ground): Promise<Outcome> {
  const enabled = (await ground.host.text("sys/module/apparmor/parameters/enabled"))?.trim();
  if (enabled !== "Y") return notTried("this host's kernel does not have it on");
  const pid = await processOf(ground);
  const files = ["attr/apparmor/current", "attr/current"].map((file) => `proc/${pid ?? ""}/${file}`);
  const profile = (await Promise.all(files.map((file) => ground.host.text(file)))).find(
    (text) => text !== undefined && text.trim() !== "",
  );
  const found = profile?.trim() ?? "no profile";
  if (/^libvirt-.*\(enforce\)/.test(found)) return passed(found);
  return failed(
    found,
    'let security_driver in /etc/libvirt/qemu.conf be "apparmor" or unset, and restart libvirtd',
  );
}

/** Whether anything of the machine is left on the host. */
async function left({ host, libvirtUri }: Ground, pagesLeft: string | undefined): Promise<Outcome> {
  const lists = [
    ["list", "--all", "--name"],
    ["net-list", "--all", "--name"],
    ["pool-list", "--all", "--name"],
  ] as const;
  const found: string[] = [];
  for (const list of lists) {
    const said = await host.run("virsh", "--quiet", "--connect", libvirtUri, ...list);
    if (said.kind === "said" && said.stdout.split("\n").some((line) => line.trim() === NAME))
      found.push(list[0]);
  }
  if (pagesLeft !== undefined) found.push(pagesLeft);
  if (found.length === 0) return passed("nothing is left");
  return failed(`still there: ${found.join(", ")}`, "run it again: it begins by removing what is left");
}
