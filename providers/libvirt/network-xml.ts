import ipaddr from "ipaddr.js";
import type { NetworkForwarder, NetworkHost, NetworkInputs, NetworkLease } from "./network-inputs.ts";
import { gatewayOf } from "./network-inputs.ts";
import type { Xml, XmlElement } from "./xml.ts";

/** XML for `net-define`. */
export function networkXml(inputs: NetworkInputs, uuid: string): XmlElement {
  const [, prefix] = ipaddr.IPv4.parseCIDR(inputs.subnet);
  const hasDhcp = inputs.dhcp !== undefined || inputs.leases.length > 0;
  return {
    network: {
      name: inputs.name,
      uuid,
      forward: inputs.mode === "isolated" ? undefined : { "@mode": inputs.mode },
      bridge: { "@name": inputs.bridge, "@stp": "on", "@delay": "0" },
      mtu: inputs.mtu === undefined ? undefined : { "@size": inputs.mtu },
      domain:
        inputs.domain === undefined
          ? undefined
          : { "@name": inputs.domain, "@localOnly": inputs.domainLocal ? "yes" : "no" },
      dns:
        inputs.hosts.length + inputs.forwarders.length === 0
          ? undefined
          : { forwarder: inputs.forwarders.map(forwarderXml), host: inputs.hosts.map(hostXml) },
      ip: {
        "@address": gatewayOf(inputs),
        "@prefix": prefix,
        dhcp: hasDhcp
          ? {
              range: inputs.dhcp === undefined ? undefined : rangeXml(inputs.dhcp),
              host: inputs.leases.map(leaseXml),
            }
          : undefined,
      },
    },
  };
}

export function rangeXml(range: { start: string; end: string }): XmlElement {
  return { "@start": range.start, "@end": range.end };
}

export function leaseXml(lease: NetworkLease): XmlElement {
  return { "@mac": lease.mac, "@name": lease.name, "@ip": lease.address };
}

export function hostXml(host: NetworkHost): XmlElement {
  return { "@ip": host.address, hostname: host.names };
}

function forwarderXml({ address, domain }: NetworkForwarder): XmlElement {
  return { "@domain": domain, "@addr": address };
}

/** Parses a network's XML into inputs, without `active` and `autostart`, which it does not contain. */
export function parseNetwork(network: Xml): Omit<NetworkInputs, "active" | "autostart"> {
  const ip = network.children("ip").find((candidate) => (candidate.attribute("family") ?? "ipv4") === "ipv4");
  const gateway = ip?.attribute("address") ?? "";
  const prefix = prefixOf(ip);
  const mode = network.child("forward")?.attribute("mode") ?? (network.child("forward") ? "nat" : "isolated");
  const bridge = network.child("bridge")?.attribute("name");
  const mtu = network.child("mtu")?.attribute("size");
  const domain = network.child("domain");
  const domainName = domain?.attribute("name");
  const range = ip?.child("dhcp", "range");
  return {
    name: network.child("name")?.text ?? "",
    mode: mode === "nat" || mode === "open" ? mode : "isolated",
    subnet: ipaddr.IPv4.isValid(gateway)
      ? `${ipaddr.IPv4.networkAddressFromCIDR(`${gateway}/${prefix}`).toString()}/${prefix}`
      : "",
    gateway,
    ...(bridge === undefined ? {} : { bridge }),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    ...(domainName === undefined ? {} : { domain: domainName }),
    // Without a domain there are no names to keep local.
    domainLocal: domain === undefined || domain.attribute("localOnly") === "yes",
    ...(range === undefined
      ? {}
      : { dhcp: { start: range.attribute("start") ?? "", end: range.attribute("end") ?? "" } }),
    leases: parseLeases(ip),
    hosts: (network.child("dns")?.children("host") ?? []).map((host) => ({
      address: host.attribute("ip") ?? "",
      names: host.children("hostname").map((name) => name.text),
    })),
    forwarders: (network.child("dns")?.children("forwarder") ?? []).map((forwarder) => {
      const only = forwarder.attribute("domain");
      return { address: forwarder.attribute("addr") ?? "", ...(only === undefined ? {} : { domain: only }) };
    }),
  };
}

function parseLeases(ip: Xml | undefined): NetworkLease[] {
  return (ip?.child("dhcp")?.children("host") ?? []).map((host) => {
    const name = host.attribute("name");
    return {
      mac: (host.attribute("mac") ?? "").toLowerCase(),
      address: host.attribute("ip") ?? "",
      ...(name === undefined ? {} : { name }),
    };
  });
}

function prefixOf(ip: Xml | undefined): number {
  const prefix = ip?.attribute("prefix");
  if (prefix !== undefined) return Number(prefix);
  const netmask = ip?.attribute("netmask");
  return (netmask === undefined ? null : ipaddr.IPv4.parse(netmask).prefixLengthFromSubnetMask()) ?? 24;
}
