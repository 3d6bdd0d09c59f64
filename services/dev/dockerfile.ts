const MOUNT = /^\s*--mount=\S+\s*\\\n/gm;

/**
 * A Dockerfile without its mounts, for Docker's classic builder, which knows none: the same image, and every download anew.
 * Each mount has to be on a line of its own.
 */
export function withoutMounts(dockerfile: string): string {
  return dockerfile.replaceAll(MOUNT, "");
}
