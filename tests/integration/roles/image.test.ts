import { execa } from "execa";
import { existsSync } from "node:fs";
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { withLock } from "../../../providers/host/image/lock.ts";
import { repository } from "../../support/project.ts";
import { describeUnless } from "../../support/where.ts";
import { buildImage, hostDriver, identify, unavailable } from "./stage.ts";

const BASE = { distribution: "debian12", cacheDirectory: ".ai-how/cache" };

// A build that fails before it has done much.
const UNREACHABLE = { ...BASE, mirror: "http://127.0.0.1:1/debian" };

describeUnless(unavailable, "a golden image", () => {
  it("is there at once when it was built before, under a name that its content determines", async () => {
    const first = await buildImage();
    const said: string[] = [];
    expect(await buildImage((line) => void said.push(line))).toEqual(first);
    expect(said).toEqual([]);
    for (const part of ["rootDirectory", "disk", "kernel", "initrd"]) {
      expect(existsSync(String(first.state[part]))).toBe(true);
    }
    expect(await hostDriver("Image", "image").drift(first)).toEqual([]);
  });

  it("has another name when a package, the account or the edition differs, but not for another mirror", () => {
    const name = (more: object) => identify("Image", { ...BASE, ...more });
    const names = [{}, { packages: ["jq"] }, { adminUser: "operator" }, { edition: "2" }].map(name);
    expect(new Set(names).size).toBe(names.length);
    expect(name({ mirror: "http://mirror.example/debian" })).toBe(names[0]);
  });

  it("has another name when a file that it is built from changes, but not for a file of another part", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ai-how-recipe-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    for (const part of ["providers", "ansible", "images/golden"]) {
      await cp(join(repository, part), join(folder, part), { recursive: true });
    }
    // What providers import besides, whichever of these there are.
    for (const part of ["versions", "versions.ts", "wire", "package.json", "node_modules"]) {
      const source = join(repository, part);
      if (existsSync(source)) await symlink(source, join(folder, part));
    }
    const script = `
      import { Provider } from ${JSON.stringify(join(folder, "providers/framework/provider.ts"))};
      import { host } from ${JSON.stringify(join(folder, "providers/host/provider.ts"))};
      const provider = new Provider(host);
      provider.configure({});
      const { inputs } = provider.check("host:index:Image", ${JSON.stringify(BASE)});
      console.log(provider.identify("host:index:Image", "", inputs));`;
    const name = async () => (await execa("node", ["--input-type=module", "--eval", script])).stdout;
    const first = await name();
    await appendFile(join(folder, "ansible/roles/slurm/tasks/main.yml"), "# edited\n");
    expect(await name()).toBe(first);
    await appendFile(join(folder, "ansible/roles/slurm/tasks/bake.yml"), "# edited\n");
    const second = await name();
    await appendFile(join(folder, "images/golden/build"), "# edited\n");
    expect(new Set([first, second, await name()]).size).toBe(3);
  });

  it("is built again by a changed recipe, its packages from the cache", async () => {
    const first = await buildImage();
    const cache = resolve(String(first.state.rootDirectory), "../../..");
    const archives = join(cache, "apt", `bookworm-${first.state.architecture as string}`, "archives");
    // A package that is downloaded again is another file.
    const packages = async () => {
      const names = (await readdir(archives)).filter((name) => name.endsWith(".deb")).sort();
      return Promise.all(names.map(async (name) => `${name} ${(await stat(join(archives, name))).ino}`));
    };
    const before = await packages();
    const changed = await hostDriver("Image", "changed").create({
      ...BASE,
      recipe: `changed ${process.pid}`,
    });
    onTestFinished(() => rm(dirname(String(changed.state.rootDirectory)), { recursive: true, force: true }));
    expect(changed.id).not.toBe(first.id);
    expect(existsSync(String(changed.state.disk))).toBe(true);
    expect(before.length).toBeGreaterThan(100);
    expect(await packages()).toEqual(before);
  }, 600_000);

  it("carries no secret, no identity and no open door", async () => {
    const root = String((await buildImage()).state.rootDirectory);
    expect(await readFile(join(root, "etc/machine-id"), "utf8")).toBe("");
    expect((await readdir(join(root, "etc/ssh"))).filter((name) => name.startsWith("ssh_host"))).toEqual([]);
    expect(existsSync(join(root, "etc/munge/munge.key"))).toBe(false);
    const shadow = await readFile(join(root, "etc/shadow"), "utf8");
    expect(shadow.split("\n").filter((line) => /^[^:]+:[^!*:]/.test(line) || /^[^:]+::/.test(line))).toEqual(
      [],
    );
  });

  it("starts nothing by itself that a role starts", async () => {
    const root = String((await buildImage()).state.rootDirectory);
    for (const unit of ["mariadb", "munge", "slurmctld", "slurmd", "slurmdbd", "nfs-server"]) {
      const state = await execa("systemctl", [`--root=${root}`, "is-enabled", unit], { reject: false });
      expect(state.stdout).toBe("disabled");
    }
  });

  it("is not built while another build uses the same packages", async () => {
    const cache = resolve(String((await buildImage()).state.rootDirectory), "..", "..", "..");
    const lock = join(cache, "apt", `bookworm-${process.arch === "arm64" ? "arm64" : "amd64"}.lock`);
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    let second: Promise<unknown> | undefined;
    await withLock(lock, { log, signal: new AbortController().signal }, async () => {
      second = hostDriver("Image", "second")
        .create({ ...UNREACHABLE, edition: "second" }, log)
        .catch(String);
      await expect.poll(() => said).toEqual([`waiting: another build has ${lock}`]);
    });
    expect(await second).toMatch(/127\.0\.0\.1/);
    expect(said[1]).toMatch(/^packages: installing/);
  });

  it("builds again after a build that was killed, and removes what that left", async () => {
    const images = dirname(dirname(String((await buildImage()).state.rootDirectory)));
    const leftover = join(images, ".building-4194305-debian12-amd64-x"); // no process has a number this high
    await mkdir(leftover);
    const failed = hostDriver("Image", "broken").create({ ...UNREACHABLE, edition: "never" });
    await expect(failed).rejects.toThrow(/127\.0\.0\.1/);
    const drafts = (await readdir(images)).filter((name) => name.startsWith(".building"));
    // Another file's test may build one at this moment.
    expect(drafts.filter((name) => name.includes("-4194305-") || name.includes(`-${process.pid}-`))).toEqual(
      [],
    );
  });
});
