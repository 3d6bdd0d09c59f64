import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { preview } from "../../support/plan.ts";
import { validText } from "../../unit/config/fixtures.ts";

/** A valid file with changes, each a path and a value. */
function changed(name: string, ...changes: readonly (readonly [string, unknown])[]): string {
  const file = parseDocument(validText(name));
  for (const [path, value] of changes) {
    file.setIn(
      path.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      value,
    );
  }
  return file.toString();
}

const warned = async (text: string): Promise<string[]> => {
  const { warnings, failures } = await preview("workstation", text);
  expect(failures).toEqual([]);
  return warnings.filter((line) => line.includes("storage.beegfs"));
};

test("a preview names the files that BeeGFS lacks, and goes on", async () => {
  const warnings = await warned(validText("beegfs"));
  expect(warnings).toEqual([
    expect.stringMatching(
      /beegfs\.packages\.directory: \/srv\/packages has no beegfs-mgmtd, .* 8\.3\.1 for /,
    ),
    expect.stringContaining("beegfs.tls.certificate: /etc/lab/cert.pem cannot be read (ENOENT)"),
    expect.stringContaining("beegfs.tls.key: /etc/lab/key.pem cannot be read (ENOENT)"),
    expect.stringContaining("beegfs.license: /etc/lab/license.pem cannot be read (ENOENT)"),
  ]);
});

test("a storage node that is off is left out, with a warning", async () => {
  expect(await warned(changed("old-beegfs", ["clusters.hpc.compute_nodes.1.auto_start", false]))).toEqual([
    expect.stringContaining("test-hpc-beegfs-compute-02 is not started, so BeeGFS does not use it"),
  ]);
});

test("a preview without any storage node that runs says so", async () => {
  const off = [0, 1].map((node) => [`clusters.hpc.compute_nodes.${node}.auto_start`, false] as const);
  expect(await warned(changed("old-beegfs", ...off))).toEqual([
    expect.stringContaining(
      "no node of storage_nodes is started; set auto_start: true there, or use storage.nfs",
    ),
  ]);
});
