/** An image in the two values of a Helm chart that renders `repository:tag`. */
export interface ChartImage {
  readonly repository: string;
  readonly tag: string;
}

// github.com/distribution/reference. A host may have a port, so only a colon after the last slash begins a tag.
const REFERENCE = /^(?<name>[^\s@]+?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@sha256:(?<digest>[0-9a-f]{64}))?$/;

/**
 * Splits an image reference so that `repository:tag` is the reference. A digest splits at its colon: `image@sha256` and the
 * hexadecimal digits. Undefined for a reference without tag and digest, or an invalid one.
 */
export function chartImage(reference: string): ChartImage | undefined {
  const { name, tag, digest } = REFERENCE.exec(reference)?.groups ?? {};
  if (name === undefined || name.slice(name.lastIndexOf("/")).includes(":")) return undefined;
  if (tag?.includes("/") === true) return undefined;
  if (digest !== undefined) {
    return { repository: `${tag === undefined ? name : `${name}:${tag}`}@sha256`, tag: digest };
  }
  return tag === undefined ? undefined : { repository: name, tag };
}
