import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyMachine, type ThrowawaySetup } from "../../../cli/verify/machine.ts";
import type { VerifyContext } from "../../../cli/verify/context.ts";
import { CONSOLE_LOG, type ThrowawayLogin, type ThrowawayPlan } from "../../../cli/verify/throwaway.ts";
import type { EngineEvent } from "../../../engine/events.ts";
import {
  fakeVerifyContext,
  fakeGuest,
  linesOf,
  said,
  type FakeAnswer,
} from "../../support/fake-verify-context.ts";
import { FakeHost } from "../../support/fake-host.ts";

const NAME = "ai-how-verify";
const LOGIN: ThrowawayLogin = {
  ...{ address: "192.168.254.10", user: "admin", port: 22, hostKey: "ssh-ed25519 AAAA", adminKey: "secret" },
};
const TYPES = [
  "host:index:Image",
  "libvirt:index:Network",
  "libvirt:index:StoragePool",
  "libvirt:index:Volume",
  "libvirt:index:Domain",
  "host:index:SshReady",
];

/** What goes wrong. */
interface Broken {
  /** The resource that fails, and what it says. */
  readonly fails?: readonly [type: string, message: string];
  /** What the machine answers, by a part of the command line. */
  readonly answers?: Readonly<Record<string, FakeAnswer>>;
  /** Makes the host another one. */
  readonly host?: () => void;
  readonly left?: boolean;
  readonly removal?: Error;
}

let host: FakeHost;
let share = "";
let plans: ThrowawayPlan[] = [];
let removed = 0;

beforeEach(() => {
  host = new FakeHost();
  plans = [];
  removed = 0;
  host.write("usr/libexec/virtiofsd", "");
  host.write("usr/share/qemu/vhost-user/50.json", '{"type": "fs", "binary": "/usr/libexec/virtiofsd"}');
  host.write("bin/ip", "#!/bin/sh\necho '[]'\n", 0o755);
  host.write("bin/virsh", "#!/bin/sh\n", 0o755);
  host.write("sys/module/apparmor/parameters/enabled", "Y\n");
  host.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "600\n");
});

afterEach(() => {
  host.remove();
});

/** The machine's process, with its console and its memory. */
function start(): void {
  host.process("4711", `/usr/bin/qemu-system-x86_64 -name guest=${NAME},debug-threads=on`);
  host.write("proc/4711/attr/apparmor/current", "libvirt-0b0f-4711 (enforce)\n");
  host.write("proc/4711/status", "Name:\tqemu\nHugetlbPages:\t 1048576 kB\n");
}

function setup({ fails, answers = {}, left = false, removal }: Broken): ThrowawaySetup {
  return {
    plan: { cacheDirectory: "/cache", poolDirectory: "/pool", mirror: undefined },
    shares: host.path("var/lib/ai-how"),
    throwaway: {
      clean: () => Promise.resolve(left),
      async make(plan: ThrowawayPlan, _subnet: string, emit: (event: EngineEvent) => void) {
        plans.push(plan);
        share = plan.share ?? "";
        for (const type of TYPES) {
          const urn = `urn:pulumi:verify::ai-how-verify::ai-how:machines:Thing$${type}::${NAME}`;
          if (type === fails?.[0]) {
            emit({ type: "failed", urn, operation: "create", message: fails[1] });
            throw new Error(fails[1]);
          }
          if (type.endsWith("Domain")) start();
          emit({ type: "done", urn, operation: "create", seconds: 1 });
        }
        return Promise.resolve(LOGIN);
      },
      remove() {
        removed++;
        return removal === undefined ? Promise.resolve() : Promise.reject(removal);
      },
    },
    reach: () =>
      fakeGuest(NAME, (line) => {
        const answer = Object.entries(answers).find(([part]) => line.includes(part));
        if (answer !== undefined) return answer[1];
        const word = /echo (ai-how verify \S+) >\/dev\/console/.exec(line)?.[1];
        if (word !== undefined) host.write(`proc/4711/root${CONSOLE_LOG}`, `${word}\n`);
        const back = /printf %s (\S+)/.exec(line)?.[1];
        if (back === undefined) return line.includes("indextargets") ? "http://deb.debian.org/debian\n" : "";
        writeFileSync(join(share, "back"), back);
        return readFileSync(join(share, "there"), "utf8");
      }),
  };
}

async function run(broken: Broken = {}, context: VerifyContext = fakeVerifyContext(host)): Promise<string[]> {
  broken.host?.();
  return linesOf(verifyMachine(context, setup(broken)));
}

describe("verify: the throwaway machine", () => {
  it("passes on a host where all is well, and leaves nothing", async () => {
    expect(await run()).toEqual([
      "passed huge pages available: 600 of 2M are free",
      `passed ${NAME}: image: created`,
      `passed ${NAME}: network: created`,
      `passed ${NAME}: disk: created`,
      `passed ${NAME}: start: runs with KVM`,
      `passed ${NAME}: SSH: answers`,
      `passed ${NAME}: console log: a line arrived in ${CONSOLE_LOG}`,
      `passed ${NAME}: virtiofs: host and machine read each other's files`,
      `passed ${NAME}: huge pages: 1024 MiB of its memory lie in pages of 2M`,
      `passed ${NAME}: package mirror: has the package lists of http://deb.debian.org/debian`,
      `passed ${NAME}: AppArmor: libvirt-0b0f-4711 (enforce)`,
      `passed ${NAME}: removal: nothing is left`,
    ]);
    expect(plans).toMatchObject([{ type: "kvm", hugepages: 2048, libvirtUri: "qemu:///system" }]);
    expect([removed, existsSync(share)]).toEqual([1, false]);
  });

  const broken: Readonly<Record<string, readonly [Broken, ...string[]]>> = {
    "the image cannot be built": [
      { fails: ["host:index:Image", "images/golden/build failed:\nE: no mirror"] },
      `failed ${NAME}: image: images/golden/build failed: E: no mirror`,
      `not tried ${NAME}: start: image failed`,
      `not tried ${NAME}: virtiofs: the machine is not up`,
      `passed ${NAME}: removal: nothing is left`,
    ],
    "the network's name is somebody else's": [
      { fails: ["libvirt:index:Network", "network ai-how-verify is not ours"] },
      `failed ${NAME}: network: network ai-how-verify is not ours`,
      `passed ${NAME}: image: created`,
    ],
    "no machine starts": [
      { fails: ["libvirt:index:Domain", "virsh start: Device or resource busy"] },
      `failed ${NAME}: start: virsh start: Device or resource busy`,
      `passed ${NAME}: disk: created`,
      `not tried ${NAME}: SSH: start failed`,
    ],
    "nobody answers": [
      { fails: ["host:index:SshReady", "no SSH after 300 s"] },
      `failed ${NAME}: SSH: no SSH after 300 s`,
      `passed ${NAME}: start: runs with KVM`,
      `not tried ${NAME}: package mirror: the machine is not up`,
    ],
    "virtiofs is not mounted": [
      { answers: { "/there": { exitCode: 1, output: "cat: /mnt/verify/there: No such file or directory" } } },
      `failed ${NAME}: virtiofs: the machine cannot read the folder: cat: /mnt/verify/there: No such file or directory`,
    ],
    "there is no virtiofsd": [
      {
        host: () => {
          host.write("usr/share/qemu/vhost-user/50.json", "{}");
        },
      },
      `not tried ${NAME}: virtiofs: virtiofsd is missing; run \`ai-how doctor workstation\``,
    ],
    "the machine reaches nothing": [
      {
        answers: {
          "apt-get": { exitCode: 100, output: "Err:1\nE: Could not connect to deb.debian.org:80" },
        },
      },
      `failed ${NAME}: package mirror: E: Could not connect to deb.debian.org:80`,
    ],
    "the folder is another one": [
      { answers: { "/there": "somebody else's" } },
      `failed ${NAME}: virtiofs: the machine cannot read the folder: somebody else's`,
    ],
    "AppArmor is off": [
      {
        host: () => {
          host.write("sys/module/apparmor/parameters/enabled", "N\n");
        },
      },
      `not tried ${NAME}: AppArmor: AppArmor is off in this host's kernel`,
    ],
    "the host has no huge pages": [
      {
        host: () => {
          host.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
        },
      },
      "failed huge pages available: no such playbook",
      `not tried ${NAME}: huge pages: no huge pages are available`,
    ],
    "an earlier run was killed": [
      { left: true },
      `passed ${NAME}: leftovers: those of an earlier run are removed`,
    ],
    "it cannot be removed": [
      { removal: new Error("virsh destroy: timed out") },
      `failed ${NAME}: removal: virsh destroy: timed out`,
    ],
  };

  it.each(Object.entries(broken))("says so where %s", async (_name, [change, ...expected]) => {
    const lines = await run(change);
    for (const line of expected) expect(lines).toContain(line);
    expect(removed).toBe(1);
  });

  it("sees that AppArmor does not hold the machine, and that its console says nothing", async () => {
    const steps = verifyMachine(fakeVerifyContext(host), setup({ answers: { "/dev/console": "" } }));
    const lines: string[] = [];
    for await (const { step, status, found } of steps) {
      lines.push(`${status} ${step}: ${found}`);
      if (step === "SSH") host.write("proc/4711/attr/apparmor/current", "unconfined\n");
    }
    expect(lines).toContain(`failed console log: a line did not arrive in ${CONSOLE_LOG}`);
    expect(lines).toContain("failed AppArmor: unconfined");
  });

  it("removes the machine when it is stopped in the middle", async () => {
    for await (const { step } of verifyMachine(fakeVerifyContext(host), setup({})))
      if (step === "virtiofs") break;
    expect([removed, existsSync(share)]).toEqual([1, false]);
  });

  it("sets pages aside for itself where too few are free, and gives them back", async () => {
    host.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
    const plays: unknown[] = [];
    const play: VerifyContext["play"] = (name, variables) => {
      plays.push([name, variables.base_huge_pages_owner, variables.base_huge_pages_2m]);
      return Promise.resolve(said("recap"));
    };
    expect(await run({}, fakeVerifyContext(host, { play }))).toContain(
      "passed huge pages available: 512 of 2M, reserved for this run",
    );
    expect(plays).toEqual([
      ["host-devices", "ai-how-verify", 512],
      ["host-devices", "ai-how-verify", 0],
    ]);
  });
});
