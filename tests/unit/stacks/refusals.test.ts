import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { deriveSite, parseClusterText, type Site } from "../../../config/index.ts";
import { UserError } from "../../../config/errors.ts";
import { dev } from "../../../stacks/dev.ts";
import { workstation } from "../../../stacks/workstation.ts";
import { validText } from "../config/fixtures.ts";

/** A valid file, with images of Packer's for one of its clusters. */
function sitePackedIn(name: string, cluster: "hpc" | "cloud"): Site {
  const file = parseDocument(validText(name));
  file.deleteIn(["clusters", cluster, "base_image_path"]);
  file.setIn(["clusters", cluster, "image"], { distribution: "debian12", builder: "packer" });
  return deriveSite(parseClusterText(file.toString(), { env: {} }).config);
}

const detailsOf = (error: unknown) => (error instanceof UserError ? error.details : error);

test("the target dev builds one image for all nodes, and no images of Packer's", async () => {
  const details = await dev(sitePackedIn("minimal-hpc", "hpc")).catch(detailsOf);
  expect(details).toEqual([
    "clusters.hpc: image.builder: packer: the target dev does not build this; leave it out",
  ]);
});

test("the target workstation knows Packer's images for SLURM's nodes only", async () => {
  const daemons = { libvirtUri: "test:///default", dockerHost: undefined };
  const details = await workstation(sitePackedIn("minimal-cloud", "cloud"), daemons).catch(detailsOf);
  expect(details).toEqual([
    "clusters.cloud: image.builder: packer makes images of SLURM's nodes; leave it out",
  ]);
});

test("the target dev builds no workshop", async () => {
  const { config } = parseClusterText(`${validText("minimal-hpc")}\nworkshop:\n  temporal: {}\n`, {
    env: {},
  });
  expect(await dev(deriveSite(config)).catch(detailsOf)).toContain(
    "workshop: the target dev does not build this; leave it out",
  );
});

describe("BeeGFS that cannot be built is refused before anything is made", () => {
  const daemons = { libvirtUri: "test:///default", dockerHost: undefined };

  function withBeegfs(changes: Readonly<Record<string, unknown>>, file = "old-beegfs"): Site {
    const document = parseDocument(validText(file));
    const at = ["clusters", "hpc", "storage", "beegfs"];
    document.setIn(at, document.createNode({ enabled: true, mount_point: "/mnt/beegfs", ...changes }));
    return deriveSite(parseClusterText(document.toString(), { env: {} }).config);
  }

  test("on container nodes, which can load no module", async () => {
    const details = await dev(withBeegfs({}, "containers")).catch(detailsOf);
    expect(details).toEqual([
      "clusters.hpc.storage.beegfs: a container can load no kernel module; use machines: vm or storage.nfs",
    ]);
  });

  test("in a version that nothing is known of, or that ai-how does not set up", async () => {
    expect(await workstation(withBeegfs({ version: "8.9.1" }), daemons).catch(detailsOf)).toEqual([
      expect.stringMatching(
        /^clusters\.hpc\.storage\.beegfs\.version: nothing is known of BeeGFS 8\.9\.1; known are 8\./,
      ),
    ]);
    expect(await workstation(withBeegfs({ version: "7.4.6" }), daemons).catch(detailsOf)).toEqual([
      "clusters.hpc.storage.beegfs.version: ai-how sets up BeeGFS 8, not 7.4.6; give 8.0.1 or later",
    ]);
  });
});
