import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const programs = join(import.meta.dirname, "fake-beegfs");

/** A folder with fake packages of BeeGFS, of as many versions as are added. */
export class FakeBeegfs {
  readonly folder = mkdtempSync(join(tmpdir(), "fake-beegfs-"));

  /** Adds all packages in a version; `broken`: with a client's module that no kernel builds. */
  async add(version: string, broken?: "broken"): Promise<void> {
    await execa(join(programs, "build"), [this.folder, version, ...(broken === undefined ? [] : [broken])]);
  }

  /** Makes a signed apt repository of them, as their makers' is. */
  async publish(repository: string): Promise<void> {
    await execa(join(programs, "publish"), [this.folder, repository]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
