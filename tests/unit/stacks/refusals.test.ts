import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { deriveSite, parseClusterText, type Site } from "../../../config/index.ts";
import { UserError } from "../../../config/errors.ts";
import { dev } from "../../../stacks/dev.ts";
import { workstation } from "../../../stacks/workstation.ts";
import { validText } from "../config/fixtures.ts";

/** The site of a valid file, with `builder: packer` in one cluster. */
function sitePackedIn(name: string, cluster: "hpc" | "cloud"): Site {
  const file = parseDocument(validText(name));
  file.deleteIn(["clusters", cluster, "base_image_path"]);
  file.setIn(["clusters", cluster, "image"], { distribution: "debian12", builder: "packer" });
  return deriveSite(parseClusterText(file.toString(), { env: {} }).config);
}

const detailsOf = (error: unknown) => (error instanceof UserError ? error.details : error);

test("the target dev does not support Packer's images", async () => {
  const details = await dev(sitePackedIn("minimal-hpc", "hpc")).catch(detailsOf);
  expect(details).toEqual([
    "clusters.hpc: image.builder: packer: the target dev does not support this; remove it",
  ]);
});

test("the target workstation supports Packer's images for SLURM nodes only", async () => {
  const endpoints = { libvirtUri: "test:///default", dockerHost: undefined };
  const details = await workstation(sitePackedIn("minimal-cloud", "cloud"), endpoints).catch(detailsOf);
  expect(details).toEqual(["clusters.cloud: image.builder: packer supports SLURM nodes only; remove it"]);
});

test("the target dev does not support a workshop", async () => {
  const { config } = parseClusterText(`${validText("minimal-hpc")}\nworkshop:\n  temporal: {}\n`, {
    env: {},
  });
  expect(await dev(deriveSite(config)).catch(detailsOf)).toContain(
    "workshop: the target dev does not support this; remove it",
  );
});

describe("unsupported BeeGFS is an error before any resource is created", () => {
  const endpoints = { libvirtUri: "test:///default", dockerHost: undefined };

  function withBeegfs(changes: Readonly<Record<string, unknown>>, file = "old-beegfs"): Site {
    const document = parseDocument(validText(file));
    const at = ["clusters", "hpc", "storage", "beegfs"];
    document.setIn(at, document.createNode({ enabled: true, mount_point: "/mnt/beegfs", ...changes }));
    return deriveSite(parseClusterText(document.toString(), { env: {} }).config);
  }

  test("on container nodes, which cannot load kernel modules", async () => {
    const details = await dev(withBeegfs({}, "containers")).catch(detailsOf);
    expect(details).toEqual([
      "clusters.hpc.storage.beegfs: a container cannot load kernel modules; use machines: vm or storage.nfs",
    ]);
  });

  test("in an unknown version, or one before 8", async () => {
    expect(await workstation(withBeegfs({ version: "8.9.1" }), endpoints).catch(detailsOf)).toEqual([
      expect.stringContaining(
        "clusters.hpc.storage.beegfs.version: BeeGFS 8.9.1 is not a known version; use one of 8.",
      ),
    ]);
    expect(await workstation(withBeegfs({ version: "7.4.6" }), endpoints).catch(detailsOf)).toEqual([
      "clusters.hpc.storage.beegfs.version: ai-how installs BeeGFS 8, not 7.4.6; use 8.0.1 or later",
    ]);
  });
});
