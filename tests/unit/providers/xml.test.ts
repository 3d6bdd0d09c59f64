import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDomain } from "../../../providers/libvirt/domain-parse.ts";
import { domainXml } from "../../../providers/libvirt/domain-xml.ts";
import { macOf } from "../../../providers/libvirt/identity.ts";
import { networkXml, parseNetwork } from "../../../providers/libvirt/network-xml.ts";
import { writeXml, Xml } from "../../../providers/libvirt/xml.ts";
import { machines, networks, uuid } from "./machines.ts";

const golden = (name: string) => join(import.meta.dirname, "golden", `${name}.xml`);

describe("the XML of a domain", () => {
  for (const [name, inputs] of Object.entries(machines)) {
    it(`is ${name}.xml`, async () => {
      await expect(writeXml(domainXml(inputs, uuid))).toMatchFileSnapshot(golden(name));
    });

    it(`reads back as the inputs of ${name}`, () => {
      const actual = parseDomain(Xml.parse(writeXml(domainXml(inputs, uuid))));
      const { autostart: _a, running: _r, shutdownTimeout: _s, leaseTimeout: _l, ...expected } = inputs;
      expect(actual).toEqual({
        ...expected,
        machine: inputs.machine ?? (inputs.arch === "x86_64" ? "q35" : "virt"),
        ...(inputs.type === "kvm" && inputs.cpu === undefined
          ? { cpu: { mode: "host-passthrough", features: [] } }
          : {}),
        disks: inputs.disks.map(({ generation: _generation, ...disk }) => disk),
        interfaces: inputs.interfaces.map((each, index) => ({
          ...each,
          mac: each.mac ?? macOf(uuid, index),
        })),
      });
    });
  }
});

describe("the XML of a network", () => {
  for (const [name, inputs] of Object.entries(networks)) {
    it(`is ${name}.xml`, async () => {
      await expect(writeXml(networkXml(inputs, uuid))).toMatchFileSnapshot(golden(name));
    });

    it(`reads back as the inputs of ${name}`, () => {
      const actual = parseNetwork(Xml.parse(writeXml(networkXml(inputs, uuid))));
      const { autostart: _a, active: _b, ...expected } = inputs;
      expect({ ...actual, gateway: inputs.gateway }).toEqual({ ...expected, gateway: inputs.gateway });
    });
  }

  it("is read with a netmask, and forward without a mode, as people write it", () => {
    const network = parseNetwork(
      Xml.parse("<network><name>n</name><forward/><ip address='10.0.0.1' netmask='255.255.0.0'/></network>"),
    );
    expect(network).toMatchObject({ mode: "nat", subnet: "10.0.0.0/16", gateway: "10.0.0.1" });
  });
});

describe("the XML reader", () => {
  it("answers for what is missing", () => {
    const empty = Xml.parse("<domain/>");
    expect(empty.child("os", "type")).toBeUndefined();
    expect(empty.children("devices")).toEqual([]);
    expect(empty.attribute("type")).toBeUndefined();
    expect(empty.text).toBe("");
  });
});
