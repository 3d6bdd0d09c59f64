import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable, type Made } from "./stage.ts";

const MiB = 1024 ** 2;
const WORK = "years of work";

// libvirt itself says what is in a pool, and qemu-img what is in a disk.
describeUnless(unavailable, "what is not of a stack", () => {
  const stage = new Stage("ownership");
  const disk = (name: string): Record<string, unknown> => ({ pool: "pool", name, capacity: MiB });
  /** As an engine asks for what it began and knows nothing more of. */
  const begun = (name: string): Made => ({ id: `pool/${name}`, inputs: disk(name), state: {} });

  beforeAll(async () => {
    await mkdir(stage.pool, { recursive: true });
    await writeFile(join(stage.pool, "known.qcow2"), WORK);
    await stage.driver("StoragePool").create({ name: "pool", path: stage.pool });
    await writeFile(join(stage.pool, "unknown.qcow2"), WORK);
  });

  it.each([
    ["known.qcow2", "was in the pool's folder before the pool"],
    ["unknown.qcow2", "came there without libvirt's knowledge"],
  ])("stays: %s, which %s", async (name) => {
    const volume = stage.driver("Volume", name);
    const refusal = new RegExp(`^a volume ${name} exists already in pool pool and is not of this stack: `);
    await expect(volume.create(disk(name))).rejects.toThrow(refusal);
    // An engine cleans up what it began.
    await volume.delete(begun(name));
    const seed = stage.driver("CloudInitDisk", name);
    const inputs = { pool: "pool", name, userData: "", metaData: "" };
    await expect(seed.create(inputs)).rejects.toThrow(refusal);
    await seed.delete(begun(name));
    expect(await readFile(join(stage.pool, name), "utf8")).toBe(WORK);
  });

  it("stays although the stack had a volume of that name once", async () => {
    const volume = stage.driver("Volume", "once");
    await volume.delete(await volume.create(disk("once.qcow2")));
    await writeFile(join(stage.pool, "once.qcow2"), WORK);
    await expect(volume.create(disk("once.qcow2"))).rejects.toThrow(/is not of this stack/);
    await volume.delete(begun("once.qcow2"));
    expect(await readFile(join(stage.pool, "once.qcow2"), "utf8")).toBe(WORK);
  });

  it("is told from another resource of the same stack", async () => {
    const made = await stage.driver("Volume", "one").create(disk("both.qcow2"));
    await expect(stage.driver("Volume", "other").create(disk("both.qcow2"))).rejects.toThrow(
      /is not of this stack/,
    );
    await stage.driver("Volume", "one").delete(made);
  });

  it("is all that the folder has in the end", async () => {
    expect((await readdir(stage.pool)).sort()).toEqual(["known.qcow2", "once.qcow2", "unknown.qcow2"]);
  });
});

describeUnless(unavailable, "an image in a pool", () => {
  const stage = new Stage("image-users");
  const image = stage.driver("Volume", "image");
  let source: string;

  beforeAll(async () => {
    await stage.driver("StoragePool").create({ name: "pool", path: stage.pool });
    source = join(stage.pool, "..", "image.qcow2");
    await execa("qemu-img", ["create", "-f", "qcow2", source, "64M"]);
  });

  /** The image as content-named copy. */
  const copy = (content: string): Promise<Made> =>
    image.create({ pool: "pool", name: `base-${content}.qcow2`, source });
  const diskOn = (base: Made, name: string): Promise<Made> =>
    stage.driver("Volume", name).create({
      pool: "pool",
      name: `${name}.qcow2`,
      backing: { path: base.state.path, format: "qcow2" },
      keep: true,
    });

  it("stays until the last disk on it has gone", async () => {
    const base = await copy("old");
    const disks = { one: await diskOn(base, "one"), two: await diskOn(base, "two") };
    await image.delete(base);
    expect((await execa("qemu-img", ["check", String(disks.one.state.path)])).exitCode).toBe(0);
    await stage.driver("Volume", "one").delete(disks.one);
    expect(existsSync(String(base.state.path))).toBe(true);
    await stage.driver("Volume", "two").delete(disks.two);
    expect(await readdir(stage.pool)).toEqual([]);
  });

  it("is not written to when it is wanted again while a disk lies on it", async () => {
    const base = await copy("again");
    const disk = await diskOn(base, "disk");
    await image.delete(base);
    const before = await readFile(String(base.state.path));
    await execa("qemu-img", ["resize", source, "96M"]);
    const again = await copy("again");
    expect((await readFile(String(again.state.path))).equals(before)).toBe(true);
    await stage.driver("Volume", "disk").delete(disk);
    expect(existsSync(String(base.state.path))).toBe(true);
    await image.delete(again);
    expect(await readdir(stage.pool)).toEqual([]);
  });

  it("stays for the machine that boots it, and goes with the next disk that does", async () => {
    const kernel = await image.create({ pool: "pool", name: "base.vmlinuz", format: "raw", source });
    const base = await copy("boot");
    const disk = await diskOn(base, "booted");
    const machine = stage.driver("Domain", "booted");
    const vm = await machine.create({
      name: "booted",
      type: "qemu",
      vcpus: 1,
      memory: 32,
      running: false,
      boot: { kernel: kernel.state.path, cmdline: "root=/dev/vda" },
      disks: [{ volume: disk.state.path }],
    });
    await image.delete(kernel);
    await image.delete(base);
    expect(existsSync(String(kernel.state.path))).toBe(true);
    await machine.delete(vm);
    await stage.driver("Volume", "booted").delete(disk);
    expect(await readdir(stage.pool)).toEqual([]);
  });

  it("gives way to another one, and a disk on it is found again by who has lost the state, and grows", async () => {
    const old = await copy("lost");
    const disk = stage.driver("Volume", "lost");
    const inputs = { pool: "pool", name: "lost.qcow2", keep: true };
    const on = (base: Made): object => ({ backing: { path: base.state.path, format: "qcow2" } });
    const made = await disk.create({ ...inputs, ...on(old), capacity: 128 * MiB });
    await execa("qemu-io", ["-c", "write -P 0xab 0 64k", String(made.state.path)]);
    const other = stage.driver("Volume", "other-image");
    const base = await other.create({ pool: "pool", name: "base-other.qcow2", source });
    const again = await disk.create({ ...inputs, ...on(base), capacity: 256 * MiB });
    expect(again.state).toMatchObject({ capacity: 256 * MiB });
    expect((await execa("qemu-io", ["-c", "read -P 0xab 0 64k", String(made.state.path)])).exitCode).toBe(0);
    await expect(disk.create({ ...inputs, format: "raw", capacity: 256 * MiB })).rejects.toThrow(
      /^format: pool\/lost.qcow2 is qcow2 and may hold work/,
    );
    await disk.delete(again);
    await other.delete(base);
    await image.delete(old);
    expect(await readdir(stage.pool)).toEqual([]);
  });

  it("is refused when it is not the one that was looked at", async () => {
    const digest = createHash("sha256").update("something else").digest("hex");
    await expect(
      image.create({ pool: "pool", name: "base.qcow2", source, sourceDigest: digest }),
    ).rejects.toThrow(/^source: .*image.qcow2 has changed since the preview; run this again$/);
    await image.delete({ id: "pool/base.qcow2", inputs: {}, state: {} });
    expect(await readdir(stage.pool)).toEqual([]);
  });
});
