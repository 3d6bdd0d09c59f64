const MOUNT = /^\s*--mount=\S+\s*\\\n/gm;

/**
 * A Dockerfile without its cache mounts, for Docker's classic builder, which does not support them. The image is the same,
 * but each build downloads everything. Each mount must be on its own line.
 */
export function withoutMounts(dockerfile: string): string {
  return dockerfile.replaceAll(MOUNT, "");
}
