import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { devices as inspect } from "../doctor/workstation/devices.ts";
import { needsOf } from "../doctor/workstation/needs.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  type Ground,
  type Outcome,
  type Result,
} from "./step.ts";

const PCI = "sys/bus/pci/devices";

// What module `vfio_binding` says of a trial.
const trialsSchema = z.array(
  z.object({
    address: z.string(),
    problems: z.array(z.string()),
    held: z.string(),
    seconds: z.number().nullable(),
  }),
);
type Trial = z.output<typeof trialsSchema>[number];

/** Every device that the cluster file claims: its group, what holds it, how it is reset, and whether VFIO takes and returns it. */
export async function* verifyDevices(ground: Ground): AsyncGenerator<Result> {
  const { host, site } = ground;
  const needs = needsOf(site);
  if (needs.claims.size === 0) {
    yield await attempt("devices", undefined, () =>
      Promise.resolve(notTried("the cluster file claims none")),
    );
    return;
  }
  const free: string[] = [];
  for (const [address, machines] of needs.claims) {
    yield await attempt("IOMMU group", address, async () => {
      const [finding] = await inspect(
        host,
        { ...needs, claims: new Map([[address, machines]]) },
        needs.claims,
      );
      const { level, found = "", remedy = "" } = finding ?? {};
      return level === "pass" ? passed(found) : failed(found, remedy);
    });
    yield await attempt("reset method", address, () => resetMethod(ground, address));
    if ((await driverOf(ground, address)) !== "vfio-pci" && (await host.may(`${PCI}/${address}`)))
      free.push(address);
  }
  const trials = await tryThem(ground, free);
  for (const address of needs.claims.keys()) {
    const trial = trials.found.find((each) => each.address === address);
    yield await attempt("holders", address, () =>
      Promise.resolve(holders(trial, free.includes(address), trials.why)),
    );
    yield await attempt("bind and give back", address, async () => {
      if (trial !== undefined) return bound(trial);
      const there = await host.may(`${PCI}/${address}`);
      return notTried(
        free.includes(address)
          ? trials.why
          : there
            ? "it is on vfio-pci already; take the stack down to try it"
            : "it is not there",
      );
    });
  }
}

async function driverOf({ host }: Ground, address: string): Promise<string | undefined> {
  const link = await host.link(`${PCI}/${address}/driver`);
  return link === undefined ? undefined : basename(link);
}

async function resetMethod({ host }: Ground, address: string): Promise<Outcome> {
  if (!(await host.may(`${PCI}/${address}`))) return notTried("it is not there");
  const methods = await host.text(`${PCI}/${address}/reset_method`);
  if (methods === undefined) return notTried("this kernel does not say; Linux 5.15 and newer do");
  if (methods.trim() === "")
    return failed(
      "none: a machine that was ended leaves it as it is",
      "newer firmware of the board or the card, or give its machine the whole bus",
    );
  return passed(methods.trim().replaceAll(" ", ", "));
}

function holders(trial: Trial | undefined, isFree: boolean, why: string): Outcome {
  if (trial === undefined) return notTried(isFree ? why : "no driver of this host has it");
  if (trial.problems.length === 0) return passed("this host uses it for nothing");
  return failed(trial.problems.join("; "), "take another device, or let go of this one first");
}

function bound({ problems, held, seconds }: Trial): Outcome {
  if (problems.length > 0) return notTried("this host uses it");
  if (held !== "") return notTried(`${held}: \`ai-how up\` binds it at the next boot`);
  if (seconds === null)
    return failed(
      "its driver did not let go of it, or did not take it back",
      "see dmesg; reboot this machine",
    );
  return passed(`vfio-pci had it and its driver has it again, after ${seconds} s`);
}

/** Binds each device and gives it back, by the module that `up` uses, which writes no boot file then. */
async function tryThem(
  ground: Ground,
  addresses: readonly string[],
): Promise<{ found: readonly Trial[]; why: string }> {
  if (addresses.length === 0) return { found: [], why: "none is free" };
  const folder = await mkdtemp(join(tmpdir(), "ai-how-verify-"));
  try {
    const report = join(folder, "trials.json");
    const said = await ground.play("host-devices-trial", {
      nvidia_vfio_owner: ground.stack,
      nvidia_vfio_devices: addresses.map((address) => ({ address })),
      nvidia_vfio_report: report,
    });
    const text = await readFile(report, "utf8").catch(() => undefined);
    if (text === undefined) return { found: [], why: lastLine(said) };
    return { found: trialsSchema.parse(JSON.parse(text)), why: "" };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
