import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { diffInputs } from "../framework/diff.ts";
import type { Context, Existing } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { checkDomain } from "./domain-check.ts";
import { type DomainDisk, type DomainInputs, domainSchemas } from "./domain-inputs.ts";
import { parseDomain } from "./domain-parse.ts";
import { leaseOf, parsePower, type Power, powerOff, shutDown, start, waitForLeases } from "./domain-power.ts";
import { defaultMachine, domainXml } from "./domain-xml.ts";
import { changedProperties, type Fingerprints, fingerprints, withDrift } from "./drift.ts";
import { uuidOf } from "../framework/uuid.ts";
import { macOf } from "./identity.ts";
import { connect, type Libvirt, type LibvirtConfig, parseInfo, whileReachable } from "./virsh.ts";
import { Xml } from "./xml.ts";

/** A machine that exists. */
export interface DomainOutputs {
  running: boolean;
  uuid: string;
  /** Each interface's MAC address, in order. */
  macAddresses: string[];
  /** Each interface's IPv4 address where DHCP has given one, and an empty string otherwise. */
  addresses: string[];
  /** When this provider last started it, in ISO 8601; empty if it never did. */
  started: string;
}

type DomainState = DomainInputs & DomainOutputs & { observed: Fingerprints };
type DomainContext = Context<LibvirtConfig>;

const SLOW_MILLISECONDS = 10_000;

type ExistingDomain = Existing<DomainInputs, DomainState>;
interface Known {
  inputs: DomainInputs;
  state: DomainState;
}

/** `libvirt:index:Domain`: a virtual machine. */
export const domain = resourceType<LibvirtConfig, DomainInputs, DomainState>({
  token: "libvirt:index:Domain",
  inputs: domainSchemas,
  changes: {
    type: "restart",
    machine: "restart",
    vcpus: "restart",
    memory: "restart",
    cpu: "restart",
    numaCells: "restart",
    boot: "restart",
    disks: (was, is) => (isDeepStrictEqual(was, withoutNewGenerations(was, is)) ? "update" : "restart"),
    interfaces: "restart",
    mounts: "restart",
    hostDevices: "restart",
    consoleLog: "restart",
    hugepages: "restart",
    sharedMemory: "restart",
    cpuPinning: "restart",
    autostart: "update",
    running: "update",
    shutdownTimeout: "update",
    leaseTimeout: "update",
  },
  deleteBeforeReplace: true,
  volatile: ["addresses", "started"],
  check: checkDomain,
  foresee: (inputs, { urn }) =>
    urn === "" ? {} : { uuid: uuidOf(urn), macAddresses: macsOf(inputs, uuidOf(urn)) },
  identify: (_inputs, { urn }) => uuidOf(urn),

  async create(inputs: DomainInputs, context: DomainContext) {
    const libvirt = connect(context);
    const uuid = uuidOf(context.urn);
    const other = (await libvirt.find("domuuid", inputs.name))?.trim();
    if (other !== undefined && other !== uuid) {
      throw new ProviderError(
        `a domain ${inputs.name} exists already and is not of this stack: rename it, or \`pulumi import\` it (id ${other})`,
      );
    }
    await define(libvirt, inputs, uuid, context);
    // A machine that an interrupted creation started keeps running if its definition is the same.
    if (!(await runsAsDefined(libvirt, uuid))) await powerOff(libvirt, uuid);
    return settle(libvirt, uuid, inputs, "", context);
  },

  async read(id: string, last: ExistingDomain | undefined, context: DomainContext) {
    const libvirt = connect(context);
    return whileReachable(
      libvirt,
      () => readDomain(libvirt, id, last),
      () =>
        last && {
          id,
          inputs: { ...last.inputs, running: false },
          state: { ...last.state, running: false },
        },
    );
  },

  async update(id: string, was: Known, inputs: DomainInputs, context: DomainContext) {
    const libvirt = connect(context);
    const differences = diffInputs<LibvirtConfig>(domain, { ...was.inputs }, { ...inputs }).properties;
    await define(libvirt, inputs, id, context);
    if (differences.some(({ change }) => change === "restart")) {
      context.log(`restarting ${inputs.name}`);
      await shutDown(libvirt, id, inputs.shutdownTimeout);
    }
    return settle(libvirt, id, inputs, was.state.started, context);
  },

  async delete(id: string, { inputs }: { inputs: DomainInputs }, context: DomainContext) {
    const libvirt = connect(context);
    await whileReachable(
      libvirt,
      async () => {
        await powerOff(libvirt, id);
        await libvirt.find("undefine", id, "--nvram", "--managed-save", "--snapshots-metadata");
        if (libvirt.isLocal && inputs.consoleLog !== undefined) await removeLog(inputs.consoleLog);
      },
      () => undefined,
    );
  },
});

/** Defines the machine. libvirt probes QEMU the first time, and every time while its user cannot open /dev/kvm and root can. */
async function define(
  libvirt: Libvirt,
  inputs: DomainInputs,
  uuid: string,
  context: DomainContext,
): Promise<void> {
  const slow = setTimeout(() => {
    context.log("libvirt is probing QEMU; `ai-how doctor` says why that takes long");
  }, SLOW_MILLISECONDS);
  try {
    await libvirt.define("define", domainXml(inputs, uuid));
  } finally {
    clearTimeout(slow);
  }
}

/** Removes a console's log and its rotated files. */
async function removeLog(file: string): Promise<void> {
  // A user of libvirt may lack access to its logs.
  for (const suffix of ["", ".0", ".1", ".2"])
    await rm(file + suffix, { force: true }).catch(() => undefined);
}

/** The disks, without generations that the old ones lack: an imported machine gets them without a restart. */
function withoutNewGenerations(was: readonly DomainDisk[], is: readonly DomainDisk[]): DomainDisk[] {
  return is.map((disk, index) => {
    if (was[index]?.generation !== undefined) return disk;
    const { generation: _generation, ...rest } = disk;
    return rest;
  });
}

/** Applies `autostart` and `running`, and returns the machine as it is then. */
async function settle(
  libvirt: Libvirt,
  uuid: string,
  inputs: DomainInputs,
  lastStarted: string,
  context: DomainContext,
): Promise<ExistingDomain> {
  const power = parsePower(parseInfo(await libvirt.run("dominfo", uuid)));
  if (power.autostart !== inputs.autostart) {
    await libvirt.run("autostart", uuid, ...(inputs.autostart ? [] : ["--disable"]));
  }
  let started = lastStarted;
  if (inputs.running) {
    if (await start(libvirt, uuid, power)) started = new Date().toISOString();
    await waitForLeases(libvirt, inputs, macsOf(inputs, uuid), context);
  } else {
    await shutDown(libvirt, uuid, power.running ? inputs.shutdownTimeout : 0);
  }
  const actual = await inspect(libvirt, uuid);
  if (actual === undefined) throw new ProviderError(`domain ${inputs.name} vanished while it was being made`);
  return { id: uuid, inputs, state: await stateOf(libvirt, uuid, inputs, actual.inputs, started) };
}

async function readDomain(
  libvirt: Libvirt,
  id: string,
  last: Known | undefined,
): Promise<ExistingDomain | undefined> {
  const actual = await inspect(libvirt, id, last?.inputs);
  if (actual === undefined) return undefined;
  const { uuid, inputs: found } = actual;
  const inputs =
    last === undefined
      ? withoutDefaults(found, uuid)
      : withInputsOutsideXml(withDrift(last.inputs, last.state.observed, found), last);
  return { id: uuid, inputs, state: await stateOf(libvirt, uuid, inputs, found, last?.state.started ?? "") };
}

/** The inputs of an imported machine without defaults, so that a program need not repeat them. */
function withoutDefaults(found: DomainInputs, uuid: string): DomainInputs {
  const { machine: versioned, cpu, ...inputs } = found;
  // libvirt writes pc-q35-7.2 where q35 was asked for.
  const machine = versioned?.replace(/^(?:pc-)?(q35|virt)-[\d.]+$/, "$1").replace(/^pc-i440fx-[\d.]+$/, "pc");
  const isPlain = cpu?.features.length === 0 && cpu.topology === undefined;
  const isDefault =
    isPlain && (inputs.type === "kvm" ? cpu.mode === "host-passthrough" : cpu.model === "qemu64");
  return {
    ...inputs,
    ...(machine === undefined || machine === defaultMachine(inputs.arch) ? {} : { machine }),
    ...(cpu === undefined || isDefault ? {} : { cpu }),
    interfaces: inputs.interfaces.map(({ mac, ...each }, index) =>
      mac === undefined || mac === macOf(uuid, index) ? each : { ...each, mac },
    ),
  };
}

/** Keeps inputs that libvirt's XML does not contain: a disk's generation, and `waitForLease`. */
function withInputsOutsideXml(inputs: DomainInputs, last: Known): DomainInputs {
  const known = new Map(last.inputs.disks.map((disk) => [disk.volume, disk.generation]));
  const waits = new Map(last.inputs.interfaces.map((each) => [each.network, each.waitForLease]));
  return {
    ...inputs,
    disks: inputs.disks.map((disk) => {
      const generation = disk.generation ?? known.get(disk.volume);
      return generation === undefined ? disk : { ...disk, generation };
    }),
    interfaces: inputs.interfaces.map((each) => ({
      ...each,
      waitForLease: each.waitForLease || (waits.get(each.network) ?? false),
    })),
  };
}

async function stateOf(
  libvirt: Libvirt,
  uuid: string,
  inputs: DomainInputs,
  actual: DomainInputs,
  started: string,
): Promise<DomainState> {
  const macAddresses = actual.interfaces.map((each) => each.mac ?? "");
  const addresses = await Promise.all(
    actual.interfaces.map(async (each) =>
      each.network === "" || each.mac === undefined
        ? ""
        : ((await leaseOf(libvirt, each.network, each.mac)) ?? ""),
    ),
  );
  return { ...inputs, uuid, macAddresses, addresses, started, observed: fingerprints(actual) };
}

async function inspect(
  libvirt: Libvirt,
  id: string,
  last?: DomainInputs,
): Promise<{ uuid: string; inputs: DomainInputs } | undefined> {
  const info = await libvirt.find("dominfo", id);
  const xml = await libvirt.find("dumpxml", "--inactive", id);
  if (info === undefined || xml === undefined) return undefined;
  const facts = parseInfo(info);
  // Somebody undefined it while it ran: it vanishes when it stops.
  if (facts.get("Persistent") === "no") return undefined;
  const parsed = Xml.parse(xml);
  const power: Power = parsePower(facts);
  return {
    uuid: parsed.child("uuid")?.text ?? id,
    inputs: {
      ...parseDomain(parsed),
      autostart: power.autostart,
      running: power.running,
      // libvirt does not have these.
      shutdownTimeout: last?.shutdownTimeout ?? 30,
      leaseTimeout: last?.leaseTimeout ?? 300,
    },
  };
}

/** True if the machine runs, with the same definition as for its next start. */
async function runsAsDefined(libvirt: Libvirt, uuid: string): Promise<boolean> {
  const live = Xml.parse(await libvirt.run("dumpxml", uuid));
  if (live.attribute("id") === undefined) return false;
  const next = Xml.parse(await libvirt.run("dumpxml", "--inactive", uuid));
  const changed = changedProperties(fingerprints(parseDomain(live)), fingerprints(parseDomain(next)));
  // libvirt lists every feature of a running machine's processor.
  return changed.every((property) => property === "cpu");
}

function macsOf(inputs: DomainInputs, uuid: string): string[] {
  return inputs.interfaces.map((each, index) => each.mac ?? macOf(uuid, index));
}
