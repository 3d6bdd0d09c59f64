import { createHash } from "node:crypto";

/**
 * What libvirt made of each property, as `property=hash` words: the answer to "has somebody edited it since?" that does
 * not take libvirt's own defaults for drift, and repeats nothing that might be secret.
 */
export type Fingerprints = string;

/** The fingerprint of each property as it was read. */
export function fingerprints(actual: object): Fingerprints {
  return Object.entries(actual)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${hash(JSON.stringify(value))}`)
    .sort()
    .join(" ");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** The properties whose fingerprints differ. */
export function changedProperties(was: Fingerprints, is: Fingerprints): string[] {
  const [before, after] = [was.split(" "), is.split(" ")];
  const words = [
    ...before.filter((word) => !after.includes(word)),
    ...after.filter((word) => !before.includes(word)),
  ];
  return [...new Set(words.map((word) => word.replace(/=.*/, "")))];
}

/** The inputs that describe reality: the last ones, but for the properties that read differently than they did. */
export function withDrift<Inputs extends object>(
  last: Inputs,
  observed: Fingerprints,
  actual: Inputs,
): Inputs {
  const changed = changedProperties(observed, fingerprints(actual));
  const stay = Object.entries(last).filter(([key]) => !changed.includes(key));
  const come = Object.entries(actual).filter(([key]) => changed.includes(key));
  return Object.fromEntries([...stay, ...come]) as Inputs;
}
