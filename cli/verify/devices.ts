import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { devices as inspect } from "../doctor/workstation/devices.ts";
import { needsOf } from "../doctor/workstation/needs.ts";
import type { VerifyContext } from "./context.ts";
import { attempt, failed, lastLine, notTried, passed, type Outcome, type Result } from "./step.ts";

const PCI = "sys/bus/pci/devices";
const MISSING = "the device is missing";

// The report of the Ansible module `vfio_binding` about trial bindings.
const trialsSchema = z.array(
  z.object({
    address: z.string(),
    problems: z.array(z.string()),
    held: z.string(),
    seconds: z.number().nullable(),
  }),
);
type Trial = z.output<typeof trialsSchema>[number];

/** Verifies each claimed device: its IOMMU group, its reset method, what uses it, and that VFIO can take it and give it back. */
export async function* verifyDevices(context: VerifyContext): AsyncGenerator<Result> {
  const { host, site } = context;
  const needs = needsOf(site);
  if (needs.claims.size === 0) {
    yield await attempt("devices", undefined, () => notTried("the cluster file claims no device"));
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
    yield await attempt("reset method", address, () => resetMethod(context, address));
    if ((await driverOf(context, address)) !== "vfio-pci" && (await host.may(`${PCI}/${address}`)))
      free.push(address);
  }
  const trials = await tryBinding(context, free);
  for (const address of needs.claims.keys()) {
    const trial = trials.found.find((each) => each.address === address);
    yield await attempt("holders", address, () => holders(trial, free.includes(address), trials.why));
    yield await attempt("bind and give back", address, async () => {
      if (trial !== undefined) return bound(trial);
      const there = await host.may(`${PCI}/${address}`);
      return notTried(
        free.includes(address)
          ? trials.why
          : there
            ? "it is bound to vfio-pci already; take the stack down to try it"
            : MISSING,
      );
    });
  }
}

async function driverOf({ host }: VerifyContext, address: string): Promise<string | undefined> {
  const link = await host.link(`${PCI}/${address}/driver`);
  return link === undefined ? undefined : basename(link);
}

async function resetMethod({ host }: VerifyContext, address: string): Promise<Outcome> {
  if (!(await host.may(`${PCI}/${address}`))) return notTried(MISSING);
  const methods = await host.text(`${PCI}/${address}/reset_method`);
  if (methods === undefined) return notTried("this kernel does not report it; Linux 5.15 and newer do");
  if (methods.trim() === "")
    return failed(
      "none: the device keeps its state when a machine ends",
      "update the firmware of the board or the card, or pass the whole bus to one machine",
    );
  return passed(methods.trim().replaceAll(" ", ", "));
}

function holders(trial: Trial | undefined, isFree: boolean, why: string): Outcome {
  if (trial === undefined) return notTried(isFree ? why : "no driver of this host is bound to it");
  if (trial.problems.length === 0) return passed("this host does not use it");
  return failed(trial.problems.join("; "), "claim another device, or stop using this one");
}

function bound({ problems, held, seconds }: Trial): Outcome {
  if (problems.length > 0) return notTried("this host uses it");
  if (held !== "") return notTried(`${held}: \`ai-how up\` binds it at the next boot`);
  if (seconds === null)
    return failed(
      "its driver did not release it, or did not take it back",
      "look at dmesg and reboot this host",
    );
  return passed(`bound to vfio-pci and back to its driver in ${seconds} s`);
}

/** Binds each device to VFIO and back, with the module that `up` uses. A trial writes no file for the next boot. */
async function tryBinding(
  context: VerifyContext,
  addresses: readonly string[],
): Promise<{ found: readonly Trial[]; why: string }> {
  if (addresses.length === 0) return { found: [], why: "no device is free" };
  const folder = await mkdtemp(join(tmpdir(), "ai-how-verify-"));
  try {
    const report = join(folder, "trials.json");
    const result = await context.play("host-devices-trial", {
      nvidia_vfio_owner: context.stack,
      nvidia_vfio_devices: addresses.map((address) => ({ address })),
      nvidia_vfio_report: report,
    });
    const text = await readFile(report, "utf8").catch(() => undefined);
    if (text === undefined) return { found: [], why: lastLine(result) };
    return { found: trialsSchema.parse(JSON.parse(text)), why: "" };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
