import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, stat, writeFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { type Made, Stage, unavailable } from "./stage.ts";

const stage = new Stage("storage");
const MiB = 1_048_576;
let pool: Made;

beforeAll(async () => {
  if (unavailable === undefined)
    pool = await stage.driver("StoragePool").create({ name: "pool", path: stage.pool });
});

describeUnless(unavailable, "StoragePool", () => {
  it("makes its folder, and takes it away again when it is empty", async () => {
    const driver = stage.driver("StoragePool", "second");
    const path = join(stage.pool, "..", "second");
    const made = await driver.create({ name: "second", path });
    expect(existsSync(path)).toBe(true);
    expect(await driver.drift(made)).toEqual([]);
    await stage.virsh("pool-destroy", "second");
    expect(await driver.drift(made)).toEqual(["active"]);
    const repaired = await driver.update(made, { name: "second", path });
    expect(await driver.drift(repaired)).toEqual([]);
    expect((await driver.import("second"))?.inputs).toEqual(made.inputs);
    await driver.delete(repaired);
    expect(existsSync(path)).toBe(false);
    expect(await driver.drift(repaired)).toEqual(["gone"]);
  });

  it("leaves a folder that has something in it", async () => {
    const driver = stage.driver("StoragePool", "third");
    const path = join(stage.pool, "..", "third");
    const made = await driver.create({ name: "third", path });
    await writeFile(join(path, "mine"), "");
    await driver.delete(made);
    expect(await readdir(path)).toEqual(["mine"]);
  });
});

describeUnless(unavailable, "Volume", () => {
  it("is empty, grows in place, and goes", async () => {
    const driver = stage.driver("Volume");
    const made = await driver.create({ pool: "pool", name: "empty.qcow2", capacity: 8 * MiB });
    expect(made.state).toMatchObject({ capacity: 8 * MiB, path: join(stage.pool, "empty.qcow2") });
    const grown = await driver.update(made, { pool: "pool", name: "empty.qcow2", capacity: 16 * MiB });
    expect(grown.state).toMatchObject({ capacity: 16 * MiB, generation: made.state.generation });
    expect(await driver.drift(grown)).toEqual([]);
    await stage.virsh("vol-resize", "--pool", "pool", "empty.qcow2", `${32 * MiB}`);
    expect(await driver.drift(grown)).toEqual(["capacity"]);
    await driver.delete(grown);
    expect(existsSync(join(stage.pool, "empty.qcow2"))).toBe(false);
    expect(await driver.drift(grown)).toEqual(["gone"]);
    await driver.delete(grown);
  });

  it("copies an image, and writes it again after an interrupted creation", async () => {
    const source = join(stage.pool, "..", "image.raw");
    await writeFile(source, Buffer.alloc(3 * MiB, "ai-how"));
    const driver = stage.driver("Volume", "copy");
    const inputs = { pool: "pool", name: "copy.raw", format: "raw", source, capacity: 5 * MiB };
    const path = join(stage.pool, "copy.raw");
    const made = await driver.create(inputs);
    expect(made.state).toMatchObject({ capacity: 5 * MiB });
    await truncate(path, MiB);
    const again = await driver.create(inputs);
    expect((await readFile(path)).subarray(0, 3 * MiB).equals(await readFile(source))).toBe(true);
    expect(again.state).toMatchObject({ capacity: 5 * MiB });
    expect(again.state.generation).not.toBe(made.state.generation);
    await driver.delete(again);
    await expect(driver.create({ ...inputs, source: "/nowhere" })).rejects.toThrow(
      "source: /nowhere cannot be read",
    );
  });

  it("copies a qcow2 image with the size that it brings", async () => {
    const source = join(stage.pool, "..", "image.qcow2");
    await execa("qemu-img", ["create", "-f", "qcow2", source, "64M"]);
    const driver = stage.driver("Volume", "qcow2");
    const made = await driver.create({ pool: "pool", name: "copy.qcow2", source });
    expect(made.state).toMatchObject({ capacity: 64 * MiB });
    expect(await driver.drift(made)).toEqual([]);
    await driver.delete(made);
  });

  it("lies on a backing file of any folder", async () => {
    const path = join(stage.pool, "..", "golden.qcow2");
    await execa("qemu-img", ["create", "-f", "qcow2", path, "64M"]);
    const driver = stage.driver("Volume", "overlay");
    const inputs = { pool: "pool", name: "overlay.qcow2", backing: { path, format: "qcow2" } };
    const made = await driver.create(inputs);
    expect(made.state).toMatchObject({ capacity: 64 * MiB });
    expect(await driver.drift(made)).toEqual([]);
    expect((await driver.import("pool/overlay.qcow2"))?.inputs).toMatchObject(inputs);
    await driver.delete(made);
    expect(existsSync(path)).toBe(true);
  });

  it("is kept apart from volumes that are not ours", async () => {
    const path = join(stage.pool, "..", "theirs");
    await mkdir(path);
    await stage.virsh("pool-create-as", "theirs", "dir", "--target", path);
    await stage.virsh("vol-create-as", "theirs", "v", "1M");
    await expect(
      stage.driver("Volume", "x").create({ pool: "theirs", name: "v", capacity: MiB }),
    ).rejects.toThrow(/a volume v exists already in pool theirs and is not of this stack/);
  });

  it("grows under a machine that runs", async () => {
    const driver = stage.driver("Volume", "used");
    const made = await driver.create({ pool: "pool", name: "used.qcow2", capacity: 8 * MiB });
    const machine = stage.driver("Domain");
    const disks = [{ volume: made.state.path }];
    const vm = await machine.create({
      name: "vm",
      type: "qemu",
      vcpus: 1,
      memory: 32,
      shutdownTimeout: 0,
      disks,
    });
    const grown = await driver.update(made, { pool: "pool", name: "used.qcow2", capacity: 24 * MiB });
    expect(grown.state).toMatchObject({ capacity: 24 * MiB });
    expect(await stage.virsh("domblkinfo", "vm", "vda")).toContain(`${24 * MiB}`);
    await machine.delete(vm);
    await driver.delete(grown);
  });
});

describeUnless(unavailable, "CloudInitDisk", () => {
  it("is an ISO image that only root can read", async () => {
    const driver = stage.driver("CloudInitDisk");
    const made = await driver.create({
      pool: "pool",
      name: "seed.iso",
      userData: "#cloud-config\npassword: hunter2\n",
      metaData: "instance-id: one\n",
      networkConfig: "version: 2\n",
      files: { "ai-how/hostname": "one\n" },
      secretFiles: { "ai-how/host-key": "another secret\n" },
    });
    const path = join(stage.pool, "seed.iso");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(32), 0, 32, 32_808);
    await file.close();
    expect(buffer.toString().trim()).toBe("cidata");
    expect(await readFile(path, "latin1")).toContain("hunter2");
    const list = await execa("isoinfo", ["-R", "-f", "-i", path]);
    expect(list.stdout.split("\n").sort()).toEqual([
      "/ai-how",
      "/ai-how/host-key",
      "/ai-how/hostname",
      "/meta-data",
      "/network-config",
      "/user-data",
    ]);
    expect(await driver.drift(made)).toEqual([]);
    await stage.virsh("vol-delete", "--pool", "pool", "seed.iso");
    expect(await driver.drift(made)).toEqual(["gone"]);
    await driver.delete(made);
  });

  it("leaves its pool empty", async () => {
    expect(await readdir(stage.pool)).toEqual([]);
    expect(pool.state).toMatchObject({ active: true });
  });
});
