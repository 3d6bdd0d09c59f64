import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageFiles } from "../../../stacks/beegfs-packages.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "beegfs-packages-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const names = ["beegfs-mgmtd", "beegfs-tools", "beegfs-meta", "beegfs-storage"];

function put(...files: readonly string[]): void {
  for (const file of files) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
}

const asked = { version: "8.3.1", license: false };

test("package files are found at any depth, with any form of their version", () => {
  const files = [
    `pool/beegfs-mgmtd_8.3.1_${architecture}.deb`,
    `pool/beegfs-tools_20%3a8.3.1_${architecture}.deb`,
    `beegfs-meta_8.3.1-1_${architecture}.deb`,
    `a/b/beegfs-storage_8.3.1~deb12_${architecture}.deb`,
    "beegfs-client-dkms_8.3.1_all.deb",
  ];
  put(...files, `beegfs-meta_8.3.0_${architecture}.deb`, "beegfs-meta_8.3.1_riscv64.deb");
  put(`beegfs-meta-dbgsym_8.3.1_${architecture}.deb`, `beegfs-storage_8.3.11_${architecture}.deb`);
  expect(packageFiles(folder, asked)).toEqual({
    files: files.map((file) => join(folder, file)),
    missing: undefined,
  });
});

test("all missing packages are named", () => {
  put(...names.map((name) => `${name}_8.3.0_${architecture}.deb`));
  put(`beegfs-meta_8.3.1_${architecture}.deb`);
  expect(packageFiles(folder, { ...asked, license: true }).missing).toBe(
    `${folder} has no beegfs-mgmtd, beegfs-tools, beegfs-storage, beegfs-client-dkms, libbeegfs-license 8.3.1 ` +
      `for ${architecture}; put the .deb files there`,
  );
});

test("a missing folder has no packages", () => {
  const found = packageFiles(join(folder, "no"), asked);
  expect(found.files).toEqual([]);
  expect(found.missing).toContain("has no beegfs-mgmtd");
});
