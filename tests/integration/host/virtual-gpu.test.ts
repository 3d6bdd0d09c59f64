import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { Driver } from "../libvirt/stage.ts";

const FUNCTION = "0000:3d:00.4";
const PARENT = "0000:41:00.0";

/** A fake of what NVIDIA's vGPU manager shows in sysfs: plain files, so what is written is what is read. */
let sysfs: string;

async function fake(path: string, text: string): Promise<string> {
  const file = join(sysfs, "bus/pci/devices", path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

function driver(): Driver {
  const provider = new Provider(host);
  provider.configure({});
  return new Driver(provider, "host:index:VirtualGpu", "vgpu");
}

beforeEach(async () => {
  sysfs = await mkdtemp(join(tmpdir(), "ai-how-fake-sysfs-"));
});

afterEach(async () => {
  await rm(sysfs, { recursive: true, force: true });
});

describe("a virtual function", () => {
  const inputs = () => ({ backend: "vendor-vfio", address: FUNCTION, type: 1053, sysfs });

  test("gets its type, is found gone after a reboot, and is given back", async () => {
    const current = await fake(`${FUNCTION}/nvidia/current_vgpu_type`, "0\n");
    const made = await driver().create(inputs());
    expect(made.id).toBe(FUNCTION);
    expect(await readFile(current, "utf8")).toBe("1053");
    expect(await driver().drift(made)).toEqual([]);

    await writeFile(current, "0\n");
    expect(await driver().drift(made)).toEqual(["gone"]);

    const again = await driver().create(inputs());
    await driver().delete(again);
    expect(await readFile(current, "utf8")).toBe("0");
  });

  test("that is somebody else's is neither taken nor given back", async () => {
    const current = await fake(`${FUNCTION}/nvidia/current_vgpu_type`, "0\n");
    const made = await driver().create(inputs());
    await writeFile(current, "1060\n");
    await expect(driver().create(inputs())).rejects.toThrow(
      `${FUNCTION} is a vGPU of type 1060 already; use another virtual function`,
    );
    await driver().delete(made);
    expect(await readFile(current, "utf8")).toBe("1060\n");
  });

  test("without the vGPU manager is one line that says what to do", async () => {
    await expect(driver().create(inputs())).rejects.toThrow(/is no virtual function .* enable SR-IOV/);
  });
});

describe("a mediated device", () => {
  const inputs = () => ({ backend: "mdev", address: PARENT, type: 699, sysfs });
  const offered = `${PARENT}/mdev_supported_types/nvidia-699`;

  test("is asked for by a UUID that follows from its URN, and removed by it", async () => {
    await fake(`${offered}/available_instances`, "2\n");
    const create = await fake(`${offered}/create`, "");
    const made = await driver().create(inputs());
    const uuid = await readFile(create, "utf8");
    expect(made).toMatchObject({ id: uuid, state: { uuid } });

    // What the driver does with that.
    await fake(`${offered}/devices/${uuid}/remove`, "");
    const remove = await fake(`${PARENT}/${uuid}/remove`, "");
    await writeFile(create, "");
    expect(await driver().create(inputs())).toMatchObject({ id: uuid });
    expect(await readFile(create, "utf8"), "it is there already").toBe("");
    expect(await driver().drift(made)).toEqual([]);

    await driver().delete(made);
    expect(await readFile(remove, "utf8")).toBe("1");
  });

  test("of a type that is not there, or for which there is no room, is one line", async () => {
    await expect(driver().create(inputs())).rejects.toThrow(/offers no vGPU type nvidia-699: see /);
    await fake(`${offered}/available_instances`, "0\n");
    await expect(driver().create(inputs())).rejects.toThrow(
      `${PARENT} has no room for one more vGPU of type nvidia-699`,
    );
  });
});
