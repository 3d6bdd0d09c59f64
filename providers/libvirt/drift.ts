import { createHash } from "node:crypto";

/**
 * `property=hash` words of the properties as libvirt reports them. Comparing them with later ones finds edits by others, without
 * taking libvirt's defaults for drift, and the state holds no secret values twice.
 */
export type Fingerprints = string;

/** The fingerprint of each property. */
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

/** The last inputs, with the actual values of those properties whose fingerprints have changed. */
export function withDrift<Inputs extends object>(
  last: Inputs,
  observed: Fingerprints,
  actual: Inputs,
): Inputs {
  const changed = changedProperties(observed, fingerprints(actual));
  const kept = Object.entries(last).filter(([key]) => !changed.includes(key));
  const changedNow = Object.entries(actual).filter(([key]) => changed.includes(key));
  return Object.fromEntries([...kept, ...changedNow]) as Inputs;
}
