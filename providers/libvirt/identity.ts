import { createHash } from "node:crypto";

/** The default MAC address of a machine's interface: in QEMU's range, the same at every start. */
export function macOf(uuid: string, index: number): string {
  const digest = createHash("sha256").update(`${uuid}/${index}`).digest("hex");
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}
