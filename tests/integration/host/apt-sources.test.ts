import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { itUnless } from "../../support/where.ts";
import { aptSources } from "../../../providers/host/image/apt-sources.ts";

describe("what an image's packages come from", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ai-how-apt-"));
    for (const part of ["etc", "state/lists/partial", "cache/archives/partial", "trusted"])
      await mkdir(join(folder, part), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** apt of a host that trusts no key by itself, as one of another distribution does not trust these. */
  async function update(lines: readonly string[]) {
    await writeFile(join(folder, "etc/sources.list"), `${lines.join("\n")}\n`);
    const settings = {
      "Dir::Etc": join(folder, "etc"),
      "Dir::Etc::Trusted": "/dev/null",
      "Dir::Etc::TrustedParts": join(folder, "trusted"),
      "Dir::State": join(folder, "state"),
      "Dir::Cache": join(folder, "cache"),
      "APT::Sandbox::User": "root",
      "APT::Update::Error-Mode": "any",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return execa("apt-get", [...options, "update"], { reject: false, all: true });
  }

  it("is trusted by a host that knows none of the distribution's keys", async () => {
    const lines = await aptSources({ distribution: "debian12", architecture: "amd64" });
    // The smallest that there is.
    const updates = lines.filter((line) => line.includes(" bookworm-updates "));
    expect(updates).not.toEqual([]);
    const said = await update(updates);
    expect(said.failed, said.all).toBe(false);
    const unsigned = await update(updates.map((line) => line.replace(/\[.*\] /, "")));
    expect(unsigned.all).toContain("public key is not available");
  });

  it("is signed also where a mirror was asked for", async () => {
    const inputs = {
      distribution: "debian12",
      architecture: "arm64",
      mirror: "http://mirror.lan/debian",
    } as const;
    expect(await aptSources(inputs)).toEqual([
      "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.lan/debian bookworm main",
      "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.lan/debian bookworm-updates main",
    ]);
  });

  itUnless(
    existsSync("/usr/share/keyrings/ubuntu-archive-keyring.gpg") ? "this host has them" : undefined,
    "says which package has the keys that this host lacks",
    async () => {
      await expect(aptSources({ distribution: "ubuntu2404", architecture: "amd64" })).rejects.toThrow(
        /^\/usr\/share\/keyrings\/ubuntu-archive-keyring.gpg: .*`apt-get install ubuntu-keyring`$/,
      );
    },
  );
});
