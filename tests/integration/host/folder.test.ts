import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lacks } from "../../required.ts";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { describeUnless } from "../../support/where.ts";
import { Driver } from "../libvirt/stage.ts";

const lacking = await lacks("root");

let base: string;
let path: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "ai-how-folder-"));
  path = join(base, "projects", "vision");
});
afterEach(async () => {
  await rm(base, { recursive: true });
});

function driver(): Driver {
  const provider = new Provider(host);
  provider.configure({});
  return new Driver(provider, "host:index:Folder", "vision");
}
const inputs = (more: object = {}) => ({ path, uid: 1001, gid: 1002, mode: "0750", ...more });

async function look(file: string): Promise<object> {
  const { uid, gid, mode } = await lstat(file);
  return { uid, gid, mode: (mode & 0o777).toString(8) };
}

describeUnless(lacking, "a folder", () => {
  test("is made with its owner and mode, with files in it, and leaves nothing when it goes", async () => {
    const made = await driver().create(inputs({ files: { "dev.env": "A=1\n" } }));
    expect(made.id).toBe(path);
    expect(await look(path)).toEqual({ uid: 1001, gid: 1002, mode: "750" });
    expect(await look(join(base, "projects"))).toEqual({ uid: 0, gid: 0, mode: "755" });
    expect(await look(join(path, "dev.env"))).toEqual({ uid: 1001, gid: 1002, mode: "644" });
    expect(await driver().drift(made)).toEqual([]);
    await driver().delete(made);
    await expect(lstat(path)).rejects.toThrow("ENOENT");
  });

  test("is put right when owner, mode or a file of ours differ; what others put there is not touched", async () => {
    const wanted = inputs({ files: { "dev.env": "A=1\n" } });
    const made = await driver().create(wanted);
    const theirs = join(path, "notes");
    await writeFile(theirs, "mine");
    await chown(path, 0, 0);
    await chmod(path, 0o777);
    await writeFile(join(path, "dev.env"), "A=2\n");
    expect((await driver().drift(made)).sort()).toEqual(["files.dev.env", "gid", "mode", "uid"]);

    const found = await driver().refresh(made);
    if (found === undefined) throw new Error("the folder is gone");
    const again = await driver().update(found, wanted);
    expect(await driver().drift(again)).toEqual([]);
    expect(await look(theirs)).toMatchObject({ uid: 0 });
    expect(await readFile(theirs, "utf8")).toBe("mine");
  });

  test("stays with whatever is in it, and as it is where it was there before", async () => {
    const made = await driver().create(inputs());
    await writeFile(join(path, "notes"), "mine");
    await driver().delete(made);
    expect(await readFile(join(path, "notes"), "utf8")).toBe("mine");

    const adopted = await driver().create(inputs({ path: join(base, "projects") }));
    await rm(path, { recursive: true });
    await driver().delete(adopted);
    expect((await lstat(join(base, "projects"))).isDirectory()).toBe(true);
  });

  test("keeps a file of ours that somebody has changed", async () => {
    const made = await driver().create(inputs({ files: { "dev.env": "A=1\n", other: "B\n" } }));
    await writeFile(join(path, "dev.env"), "A=2\n");
    await driver().delete(made);
    expect(await readFile(join(path, "dev.env"), "utf8")).toBe("A=2\n");
    await expect(lstat(join(path, "other"))).rejects.toThrow("ENOENT");
  });

  test("that is gone is made again", async () => {
    const made = await driver().create(inputs());
    await rm(path, { recursive: true });
    expect(await driver().drift(made)).toEqual(["gone"]);
  });

  test("is not taken from what is in its place: a file, or a link to somewhere else", async () => {
    await mkdir(join(base, "projects"));
    await writeFile(path, "");
    await expect(driver().create(inputs())).rejects.toThrow(`${path} exists and is not a folder`);
    await rm(path);
    await symlink("/etc", path);
    await expect(driver().create(inputs())).rejects.toThrow(`${path} exists and is not a folder`);
    expect(await look("/etc")).toMatchObject({ uid: 0, gid: 0 });
  });

  test("replaces a link in the place of a file, and does not write through it", async () => {
    const outside = join(base, "outside");
    await writeFile(outside, "theirs");
    await mkdir(path, { recursive: true });
    await symlink(outside, join(path, "dev.env"));
    await driver().create(inputs({ files: { "dev.env": "A=1\n" } }));
    expect(await readFile(outside, "utf8")).toBe("theirs");
    expect(await readFile(join(path, "dev.env"), "utf8")).toBe("A=1\n");
  });
});
