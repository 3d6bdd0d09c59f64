import { describe, expect, it } from "vitest";
import { changedProperties, fingerprints, withDrift } from "../../../providers/libvirt/drift.ts";
import { isMadeFromName, uuidOf } from "../../../providers/framework/uuid.ts";
import { macOf } from "../../../providers/libvirt/identity.ts";

describe("identity", () => {
  it("is the same for the same URN, and random without one", () => {
    expect(uuidOf("urn:a")).toBe(uuidOf("urn:a"));
    expect(uuidOf("urn:a")).not.toBe(uuidOf("urn:b"));
    expect(uuidOf("")).not.toBe(uuidOf(""));
  });

  it("is a valid UUID, recognised as made from a name", () => {
    expect(uuidOf("urn:a")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isMadeFromName(uuidOf("urn:a"))).toBe(true);
    expect(isMadeFromName(uuidOf(""))).toBe(false);
  });

  it("gives each interface a MAC address in QEMU's range", () => {
    expect(macOf("u", 0)).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
    expect(macOf("u", 0)).not.toBe(macOf("u", 1));
  });
});

describe("drift", () => {
  const wanted: { memory: number; machine?: string; boot?: string } = { memory: 64 };
  const actual: typeof wanted = { memory: 64, machine: "pc-q35-7.2" };
  const observed = fingerprints(actual);

  it("is not what libvirt filled in by itself", () => {
    expect(withDrift(wanted, observed, actual)).toEqual(wanted);
  });

  it("is what was edited, added or taken away", () => {
    expect(withDrift(wanted, observed, { ...actual, memory: 48 })).toEqual({ memory: 48 });
    expect(withDrift(wanted, observed, { ...actual, boot: "k" })).toEqual({ memory: 64, boot: "k" });
    expect(withDrift({ ...wanted, boot: "k" }, fingerprints({ ...actual, boot: "k" }), actual)).toEqual(
      wanted,
    );
    expect(changedProperties(observed, fingerprints({ machine: "pc", memory: 64 }))).toEqual(["machine"]);
  });

  it("keeps nothing of a value but its hash", () => {
    expect(fingerprints({ boot: { cmdline: "token=hunter2" } })).not.toContain("hunter2");
  });
});
