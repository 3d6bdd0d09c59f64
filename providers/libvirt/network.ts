import type { Change, Context, Existing } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { type Fingerprints, fingerprints, withDrift } from "./drift.ts";
import { uuidOf } from "../framework/uuid.ts";
import { checkNetwork, gatewayOf, type NetworkInputs, networkSchemas } from "./network-inputs.ts";
import { hostXml, leaseXml, networkXml, parseNetwork, rangeXml } from "./network-xml.ts";
import { connect, type Libvirt, type LibvirtConfig, parseInfo, whileReachable } from "./virsh.ts";
import { writeXml, Xml, type XmlElement } from "./xml.ts";

/** A network that exists. */
export interface NetworkOutputs {
  mode: "nat" | "isolated" | "open";
  /** The host's address in the network. */
  gateway: string;
  /** The bridge's name, also where libvirt chose it. */
  bridge: string;
  active: boolean;
  uuid: string;
}

type NetworkState = NetworkInputs & NetworkOutputs & { observed: Fingerprints };
type NetworkContext = Context<LibvirtConfig>;
type ExistingNetwork = Existing<NetworkInputs, NetworkState>;

/** `libvirt:index:Network`: a virtual network. Leases, names and the DHCP range change while it runs. */
export const network = resourceType<LibvirtConfig, NetworkInputs, NetworkState>({
  token: "libvirt:index:Network",
  inputs: networkSchemas,
  changes: {
    gateway: replaceUnlessOmitted,
    bridge: replaceUnlessOmitted,
    dhcp: "update",
    leases: "update",
    hosts: "update",
    autostart: "update",
    active: "update",
  },
  deleteBeforeReplace: true,
  check: checkNetwork,
  foresee: (inputs, { urn }) => ({
    gateway: gatewayOf(inputs),
    ...(inputs.bridge === undefined ? {} : { bridge: inputs.bridge }),
    ...(urn === "" ? {} : { uuid: uuidOf(urn) }),
  }),
  identify: (_inputs, { urn }) => uuidOf(urn),

  async create(inputs: NetworkInputs, context: NetworkContext) {
    const libvirt = connect(context);
    const uuid = uuidOf(context.urn);
    const other = (await libvirt.find("net-uuid", inputs.name))?.trim();
    if (other !== undefined && other !== uuid) {
      throw new ProviderError(
        `a network ${inputs.name} exists already and is not of this stack: rename it, or \`pulumi import\` it (id ${other})`,
      );
    }
    const leftover = await libvirt.find("net-dumpxml", uuid);
    // A network left by an interrupted creation has no users, so it can be defined anew.
    if (leftover !== undefined) await remove(libvirt, uuid);
    await libvirt.define("net-define", networkXml(inputs, uuid));
    await settle(libvirt, uuid, inputs);
    return existing(libvirt, uuid, inputs);
  },

  async read(id: string, last: ExistingNetwork | undefined, context: NetworkContext) {
    const libvirt = connect(context);
    return whileReachable(
      libvirt,
      () => readNetwork(libvirt, id, last),
      () =>
        last && {
          id,
          inputs: { ...last.inputs, active: false },
          state: { ...last.state, active: false },
        },
    );
  },

  async update(id: string, _was: unknown, inputs: NetworkInputs, context: NetworkContext) {
    const libvirt = connect(context);
    if (inputs.active) await settle(libvirt, id, inputs);
    await updateSections(libvirt, id, inputs, "--config");
    const info = parseInfo(await libvirt.run("net-info", id));
    if (info.get("Active") === "yes") await updateSections(libvirt, id, inputs, "--live");
    await settle(libvirt, id, inputs);
    return existing(libvirt, id, inputs);
  },

  async delete(id: string, _last: unknown, context: NetworkContext) {
    const libvirt = connect(context);
    await whileReachable(
      libvirt,
      () => remove(libvirt, id),
      () => undefined,
    );
  },
});

/** Without a value, libvirt's earlier choice is kept. */
function replaceUnlessOmitted(_was: unknown, is: unknown): Change {
  return is === undefined ? "update" : "replace";
}

async function readNetwork(
  libvirt: Libvirt,
  id: string,
  last: { inputs: NetworkInputs; state: NetworkState } | undefined,
): Promise<ExistingNetwork | undefined> {
  const actual = await inspect(libvirt, id);
  if (actual === undefined) return undefined;
  const { uuid, inputs: found } = actual;
  if (last === undefined) {
    const inputs = withoutDefaults(found);
    return { id: uuid, inputs, state: stateOf(uuid, inputs, found) };
  }
  const inputs = withDrift(last.inputs, last.state.observed, found);
  return { id, inputs, state: { ...stateOf(uuid, inputs, found), observed: fingerprints(found) } };
}

/** The inputs of an imported network without those that libvirt would choose itself. */
function withoutDefaults(found: NetworkInputs): NetworkInputs {
  const { gateway, bridge, ...inputs } = found;
  return {
    ...inputs,
    ...(gateway === gatewayOf(inputs) ? {} : { gateway }),
    ...(bridge !== undefined && /^virbr\d+$/.test(bridge) ? {} : { bridge }),
  };
}

async function existing(libvirt: Libvirt, uuid: string, inputs: NetworkInputs): Promise<ExistingNetwork> {
  const actual = await inspect(libvirt, uuid);
  if (actual === undefined)
    throw new ProviderError(`network ${inputs.name} vanished while it was being made`);
  return { id: uuid, inputs, state: stateOf(uuid, inputs, actual.inputs) };
}

function stateOf(uuid: string, inputs: NetworkInputs, actual: NetworkInputs): NetworkState {
  return {
    ...inputs,
    uuid,
    bridge: actual.bridge ?? "",
    gateway: gatewayOf(actual),
    observed: fingerprints(actual),
  };
}

async function inspect(
  libvirt: Libvirt,
  id: string,
): Promise<{ uuid: string; inputs: NetworkInputs } | undefined> {
  const info = await libvirt.find("net-info", id);
  const xml = await libvirt.find("net-dumpxml", "--inactive", id);
  if (info === undefined || xml === undefined) return undefined;
  const facts = parseInfo(info);
  const parsed = Xml.parse(xml);
  // Somebody has undefined the network: it vanishes when it stops.
  if (facts.get("Persistent") === "no") return undefined;
  return {
    uuid: parsed.child("uuid")?.text ?? id,
    inputs: {
      ...parseNetwork(parsed),
      autostart: facts.get("Autostart") === "yes",
      active: facts.get("Active") === "yes",
    },
  };
}

/** Applies `autostart` and `active`. */
async function settle(libvirt: Libvirt, id: string, inputs: NetworkInputs): Promise<void> {
  const info = parseInfo(await libvirt.run("net-info", id));
  if ((info.get("Autostart") === "yes") !== inputs.autostart) {
    await libvirt.run("net-autostart", id, ...(inputs.autostart ? [] : ["--disable"]));
  }
  if ((info.get("Active") === "yes") !== inputs.active) {
    await libvirt.run(inputs.active ? "net-start" : "net-destroy", id);
  }
}

/** Changes DHCP and DNS entries one by one, so that leases in use are kept. */
async function updateSections(
  libvirt: Libvirt,
  id: string,
  inputs: NetworkInputs,
  scope: "--config" | "--live",
): Promise<void> {
  const xml = await libvirt.run("net-dumpxml", ...(scope === "--config" ? ["--inactive"] : []), id);
  const actual = parseNetwork(Xml.parse(xml));
  const sections = [
    {
      section: "ip-dhcp-range",
      was: (actual.dhcp === undefined ? [] : [actual.dhcp]).map((range) => ({ range: rangeXml(range) })),
      is: (inputs.dhcp === undefined ? [] : [inputs.dhcp]).map((range) => ({ range: rangeXml(range) })),
    },
    {
      section: "ip-dhcp-host",
      was: actual.leases.map((lease) => ({ host: leaseXml(lease) })),
      is: inputs.leases.map((lease) => ({ host: leaseXml(lease) })),
    },
    {
      section: "dns-host",
      was: actual.hosts.map((host) => ({ host: hostXml(host) })),
      is: inputs.hosts.map((host) => ({ host: hostXml(host) })),
    },
  ];
  for (const { section, was, is } of sections) {
    const [before, after] = [was.map(compact), is.map(compact)];
    for (const entry of before.filter((candidate) => !after.includes(candidate))) {
      await libvirt.run("net-update", id, "delete", section, entry, scope);
    }
    for (const entry of after.filter((candidate) => !before.includes(candidate))) {
      await libvirt.run("net-update", id, "add-last", section, entry, scope);
    }
  }
}

/** XML on one line, as virsh takes it as an argument. */
function compact(element: XmlElement): string {
  return writeXml(element).replaceAll(/>\s+</g, "><").trim();
}

async function remove(libvirt: Libvirt, id: string): Promise<void> {
  const info = await libvirt.find("net-info", id);
  if (info === undefined) return;
  const facts = parseInfo(info);
  if (facts.get("Active") === "yes") await libvirt.find("net-destroy", id);
  if (facts.get("Persistent") === "yes") await libvirt.find("net-undefine", id);
}
