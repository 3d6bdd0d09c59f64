import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** Podman with a store of its own in a folder; it neither sees nor disturbs the host's. */
export class PodmanStore {
  readonly env: Readonly<Record<"CONTAINERS_CONF" | "CONTAINERS_STORAGE_CONF", string>>;

  constructor(folder: string) {
    this.env = {
      CONTAINERS_CONF: join(folder, "containers.conf"),
      CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
    };
    // Limits that a host without CAP_SYS_RESOURCE can set, and an engine without systemd.
    writeFileSync(
      this.env.CONTAINERS_CONF,
      `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
`,
    );
    const store = (driver: string): void => {
      writeFileSync(
        this.env.CONTAINERS_STORAGE_CONF,
        `[storage]
driver = "${driver}"
graphroot = "${folder}/store"
runroot = "${folder}/run"
`,
      );
    };
    // Which copies nothing, where the folder's file system takes it.
    store("overlay");
    try {
      execFileSync("podman", ["info"], { env: { ...process.env, ...this.env }, stdio: "ignore" });
    } catch {
      rmSync(join(folder, "store"), { recursive: true, force: true });
      store("vfs");
    }
  }

  async remove(): Promise<void> {
    await execa("podman", ["rm", "--all", "--force"], { env: this.env, reject: false });
  }
}
