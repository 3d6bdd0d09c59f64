import { join } from "node:path";

/** The paths and names of a sandbox. */
export interface SandboxPlaces {
  readonly namespace: string;
  /** Sockets and pid files; gone after a reboot. libvirtd sees it as `/run`. */
  readonly runtime: string;
  /** Configuration, disks and logs. */
  readonly state: string;
  readonly pool: string;
  readonly console: string;
  readonly containers: string;
  readonly shared: string;
  readonly uri: string;
}

export function sandboxPlaces(name: string): SandboxPlaces {
  const runtime = `/run/ai-how/${name}`;
  const state = `/var/lib/ai-how/${name}`;
  return {
    namespace: `ai-how-${name}`,
    runtime,
    state,
    pool: join(state, "pool"),
    console: join(state, "console"),
    containers: join(state, "containers"),
    shared: join(state, "shared"),
    uri: `qemu+unix:///system?socket=${runtime}/libvirt/libvirt-sock`,
  };
}
