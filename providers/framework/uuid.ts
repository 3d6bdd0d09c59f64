import { createHash, randomUUID } from "node:crypto";

// Made once with `uuidgen`: the namespace of our version 5 UUIDs (RFC 9562).
const namespace = "d4ad5b7c-93d5-4a0b-8f5e-2f0b2a7a3c56";

/**
 * The UUID of a resource's object, derived from the resource's URN: a repeated creation finds the object of an interrupted one.
 * Random without a URN.
 */
export function uuidOf(urn: string): string {
  if (urn === "") return randomUUID();
  const digest = createHash("sha1")
    .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
    .update(urn)
    .digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

/** True for a version 5 UUID, as ours are; libvirt's own are random (version 4). */
export function isMadeFromName(uuid: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-5/i.test(uuid);
}
