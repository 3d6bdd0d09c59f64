import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { BeegfsArgs } from "../../../components/hpc/beegfs.ts";
import type { Play } from "../../../components/ansible/play.ts";
import type { Machine } from "../../../components/machines/machine.ts";
import { mockedResources, PASSWORD } from "../../support/mocks.ts";

mockedResources();

const machine = (name: string, kind: Machine["kind"] = "vm"): Machine => ({
  name,
  kind,
  address: pulumi.output("10.0.0.1"),
  ssh: pulumi.secret({ address: "10.0.0.1", port: 22, user: "admin", hostKey: "" }),
  login: { user: "admin", port: 22, hostKey: "", proxyCommand: undefined },
  ready: pulumi.output("yes"),
  registered: pulumi.output("urn"),
});

const [manager, one, two] = [machine("manager"), machine("one"), machine("two")];
const machines = { management: manager, metadata: [one], storage: [one, two], clients: [manager, one, two] };

async function make(more: Partial<BeegfsArgs> = {}) {
  const { Beegfs } = await import("../../../components/hpc/beegfs.ts");
  return new Beegfs("lab-beegfs", { ...machines, mountPoint: "/mnt/beegfs", ...more });
}

const valueOf = async (variables: Play["variables"]): Promise<unknown> =>
  new Promise((resolve) => {
    pulumi.output(variables).apply(resolve);
  });

describe("BeeGFS", () => {
  it("runs each service on its machines", async () => {
    const { play } = await make();
    expect(play.roles).toEqual(["beegfs"]);
    expect(play.groups).toEqual({
      beegfs_management: [manager],
      beegfs_metadata: [one],
      beegfs_storage: [one, two],
      beegfs_clients: [manager, one, two],
    });
  });

  it("installs its minor version from ThinkParQ's repository, with the fingerprint of the key", async () => {
    const { play } = await make({ version: "8.1.0" });
    expect(await valueOf(play.variables)).toMatchObject({
      beegfs_version: "8.1.0",
      beegfs_repository: {
        uri: "https://www.beegfs.io/release/beegfs_8.1",
        fingerprint: "0683AF2B9AC5BC7D59B2D62340CE4E243CD50804",
      },
    });
  });

  it("marks all its variables as secret, because they contain secrets", async () => {
    const { play } = await make({ tls: { certificate: "public", key: "private" }, license: "licensed" });
    expect(await pulumi.isSecret(pulumi.output(play.variables))).toBe(true);
    expect(await valueOf(play.variables)).toMatchObject({
      beegfs_conn_auth: PASSWORD,
      beegfs_tls: { certificate: "public", key: "private" },
      beegfs_license: "licensed",
    });
  });

  it("reports all problems with its arguments at once", async () => {
    const wrong = make({
      clients: [manager, machine("box", "container")],
      metadata: [],
      version: "8.9.0",
      mountPoint: "mnt",
    });
    await expect(wrong).rejects.toThrow(pulumi.InputPropertiesError);
    await expect(wrong).rejects.toMatchObject({
      errors: [
        { propertyPath: "metadata", reason: "is empty; give at least one machine" },
        { propertyPath: "clients", reason: "has box, a container, which cannot load kernel modules" },
        { propertyPath: "version", reason: "is 8.9.0, which is not a known version" },
        { propertyPath: "mountPoint", reason: 'is "mnt", not an absolute path' },
      ],
    });
  });
});
