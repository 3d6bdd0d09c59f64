import { setTimeout as sleep } from "node:timers/promises";
import { type Context, ProviderError } from "../framework/resource.ts";
import type { DomainInputs } from "./domain-inputs.ts";
import type { Libvirt, LibvirtConfig } from "./virsh.ts";

/** Whether a machine runs, and whether it is started with libvirtd. */
export interface Power {
  running: boolean;
  paused: boolean;
  autostart: boolean;
}

/** A machine's state from the lines of `virsh dominfo`. */
export function parsePower(info: ReadonlyMap<string, string>): Power {
  const state = info.get("State") ?? "";
  return {
    running: ["running", "idle", "blocked", "in shutdown"].includes(state),
    paused: state === "paused" || state === "pmsuspended",
    autostart: info.get("Autostart") === "enable",
  };
}

/** Starts or resumes a machine; false if it was running. */
export async function start(libvirt: Libvirt, uuid: string, power: Power): Promise<boolean> {
  if (power.running) return false;
  await libvirt.run(power.paused ? "resume" : "start", uuid);
  return true;
}

/** Asks the guest to shut down, and powers it off after the timeout. */
export async function shutDown(libvirt: Libvirt, uuid: string, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  if (seconds > 0) await libvirt.run("shutdown", uuid).catch(() => undefined);
  while (Date.now() < deadline) {
    if ((await libvirt.find("domstate", uuid))?.trim() !== "running") break;
    await sleep(500);
  }
  await powerOff(libvirt, uuid);
}

/** Whether a machine exists and is not shut off; a paused or hanging one counts as up. */
export async function isUp(libvirt: Libvirt, uuid: string): Promise<boolean> {
  const state = (await libvirt.find("domstate", uuid))?.trim();
  return state !== undefined && state !== "shut off";
}

/** Powers a machine off; succeeds if it does not run. */
export async function powerOff(libvirt: Libvirt, uuid: string): Promise<void> {
  if (!(await isUp(libvirt, uuid))) return;
  try {
    await libvirt.find("destroy", uuid);
  } catch (error) {
    // It may have stopped meanwhile.
    if (await isUp(libvirt, uuid)) throw error;
  }
}

/** Waits until every interface with `waitForLease` has a lease. */
export async function waitForLeases(
  libvirt: Libvirt,
  inputs: DomainInputs,
  macs: readonly string[],
  context: Context<LibvirtConfig>,
): Promise<void> {
  const deadline = Date.now() + inputs.leaseTimeout * 1000;
  for (const [index, each] of inputs.interfaces.entries()) {
    if (!each.waitForLease) continue;
    context.log(`waiting for a lease of ${inputs.name} in ${each.network}`);
    while ((await leaseOf(libvirt, each.network, macs[index] ?? "")) === undefined) {
      if (Date.now() > deadline) {
        throw new ProviderError(
          `${inputs.name} got no address in ${each.network} within ${inputs.leaseTimeout} s: see its console${inputs.consoleLog === undefined ? "" : `, ${inputs.consoleLog}`}`,
        );
      }
      await sleep(1000, undefined, { signal: context.signal });
    }
  }
}

/** The IPv4 address that a network's DHCP server has given to a MAC address. */
export async function leaseOf(libvirt: Libvirt, network: string, mac: string): Promise<string | undefined> {
  const leases = (await libvirt.find("net-dhcp-leases", network, "--mac", mac)) ?? "";
  return /\sipv4\s+(\d+\.\d+\.\d+\.\d+)\//.exec(leases)?.[1];
}
