import { createHash, randomUUID } from "node:crypto";

// Made once with `uuidgen`; every UUID of ours is a name in it (RFC 9562, version 5).
const namespace = "d4ad5b7c-93d5-4a0b-8f5e-2f0b2a7a3c56";

/**
 * The UUID that a resource's object gets in a system that takes one: the same for the same URN, so that a creation which was
 * interrupted is recognised when it is repeated. Random without a URN.
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

/** True for a UUID made from a name, as ours are; libvirt's own are random (version 4). */
export function isMadeFromName(uuid: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-5/i.test(uuid);
}
