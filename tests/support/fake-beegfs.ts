import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const build = join(import.meta.dirname, "fake-beegfs", "build");

/** A folder with fake packages of BeeGFS, of as many versions as are added. */
export class FakeBeegfs {
  readonly folder = mkdtempSync(join(tmpdir(), "fake-beegfs-"));

  /** Adds all packages in a version; `broken`: with a client's module that no kernel builds. */
  async add(version: string, broken?: "broken"): Promise<void> {
    await execa(build, [this.folder, version, ...(broken === undefined ? [] : [broken])]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
