/** An image as charts want it that write `repository:tag`. */
export interface ChartImage {
  readonly repository: string;
  readonly tag: string;
}

// github.com/distribution/reference: a host may have a port, so that only a colon after the last slash begins a tag.
const REFERENCE = /^(?<name>[^\s@]+?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@sha256:(?<digest>[0-9a-f]{64}))?$/;

/**
 * The two parts of an image's name, which together give it again; undefined where it has neither tag nor digest, or is none. With a
 * digest the algorithm belongs to the first part: `image@sha256` and the number.
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
