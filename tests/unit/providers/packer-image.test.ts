import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { progressOf } from "../../../providers/host/packer/progress.ts";

const TOKEN = "host:index:PackerImage";
const provider = new Provider(host);
provider.configure({});

const download = { url: "https://images.example.org/debian.qcow2", checksum: `sha256:${"0".repeat(64)}` };
const built = {
  name: "debian12-amd64-0",
  disk: "/i/disk.qcow2",
  kernel: "/i/k",
  initrd: "/i/r",
  kernelArguments: "",
};
const base = {
  kind: "compute",
  distribution: "debian12",
  source: { cloud: { amd64: download, arm64: download } },
  accelerator: "tcg",
  cacheDirectory: ".ai-how/cache",
};
const check = (more: object) => provider.check(TOKEN, { ...base, ...more });
const name = (more: object) => provider.identify(TOKEN, "", check(more).inputs);
const replaces = (more: object) => provider.diff(TOKEN, check({}).inputs, check(more).inputs).replaces;
const cloud = (more: object) => ({ source: { cloud: { amd64: download, arm64: download, ...more } } });

describe("an image of Packer's", () => {
  it.each([
    ["kind", { kind: "controller" }],
    ["distribution", { distribution: "ubuntu2404" }],
    ["source", { source: { image: built } }],
    ["source", cloud({ amd64: { ...download, checksum: `sha256:${"1".repeat(64)}` } })],
    ["adminUser", { adminUser: "operator" }],
    ["edition", { edition: "2" }],
    ["recipe", { recipe: "other files" }],
  ])("is another one for another %s", (property, more) => {
    expect(name(more)).not.toBe(name({}));
    expect(replaces(more)).toEqual([property]);
  });

  it.each([
    ["the build runs in another way", { accelerator: "kvm" }],
    [
      "the same file comes from elsewhere",
      cloud({ amd64: { ...download, url: "https://mirror.example.org/x.qcow2" } }),
    ],
  ])("stays the same when %s", (_what, more) => {
    expect(name(more)).toBe(name({}));
    expect(replaces(more)).toEqual([]);
  });

  it("is known by its kind, and its parts are foreseen", () => {
    expect(name({})).toMatch(/^compute-debian12-(amd64|arm64)-[0-9a-f]{12}$/);
    const { disk, kernel } = provider.preview(TOKEN, "", check({ source: { image: built } }).inputs);
    expect(disk).toMatch(/\/images\/compute-debian12-[^/]+\/disk\.qcow2$/);
    expect(kernel).toMatch(/\/vmlinuz$/);
    expect(provider.preview(TOKEN, "", check({}).inputs).kernel).toBeUndefined();
  });

  describe("on a host", () => {
    let programs: string;
    beforeEach(async () => {
      programs = await mkdtemp(join(tmpdir(), "ai-how-test-packer-"));
      vi.stubEnv("PATH", programs);
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      await rm(programs, { recursive: true });
    });

    it.each([
      ["without a Packer", undefined, "it is not installed"],
      ["with another Packer", "echo Packer v1.11.2", "version 1.11.2 is not 1.6.6"],
      ["with another program of that name", "echo pack: pack.pw.db: No such file", "it is not installed"],
    ])("%s is refused in one line that says what to do", async (_which, packer, reason) => {
      if (packer !== undefined) {
        await writeFile(join(programs, "packer"), `#!/bin/sh\n${packer}\n`, { mode: 0o755 });
      }
      const made = provider.create(TOKEN, check({}).inputs, {
        urn: "",
        log: () => undefined,
        signal: new AbortController().signal,
      });
      await expect(made).rejects.toThrow(
        `image.builder: packer: ${reason}; \`apt-get install packer\` on Debian 12 gives 1.6.6; docs/images.md has other ways`,
      );
    });
  });

  it.each([
    ["source", { source: { cloud: { amd64: { ...download, checksum: "sha256:0" }, arm64: download } } }],
    ["source", { source: { cloud: { amd64: { ...download, url: "ftp://x" }, arm64: download } } }],
    ["kind", { kind: "login" }],
    ["architecture", { architecture: process.arch === "arm64" ? "amd64" : "arm64" }],
  ])("is refused for a bad %s", (property, more) => {
    expect(check(more).problems.map((problem) => problem.property.split(".")[0])).toEqual([property]);
  });
});

describe("progress", () => {
  it.each([
    ["==> qemu.image: Starting VM, booting disk image", "boot: waiting until the machine answers SSH"],
    [
      "    qemu.image: base : The packages are installed ... ok=1 (0.9s)",
      "base : The packages are installed ... ok=1 (0.9s)",
    ],
    [
      "==> qemu.image: base : The packages are installed ... ok=1 (0.9s)",
      "base : The packages are installed ... ok=1 (0.9s)",
    ],
    ["==> qemu.image: Looking for available port between 5900 and 6000 on 127.0.0.1", undefined],
    ["==> qemu.image: Executing Ansible: ./ansible-playbook -e packer_builder_type=qemu", undefined],
    ["", undefined],
  ])("of %j", (line, progress) => {
    expect(progressOf(line)).toBe(progress);
  });
});
