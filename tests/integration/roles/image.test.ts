import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { withLock } from "../../../providers/host/image/lock.ts";
import { buildImage, hostDriver, identify, unavailable } from "./stage.ts";

// A build that fails before it has done much.
const UNREACHABLE = {
  distribution: "debian12",
  cacheDirectory: ".ai-how/cache",
  mirror: "http://127.0.0.1:1/debian",
};

describe.skipIf(unavailable !== undefined)("a golden image", () => {
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
    const base = { distribution: "debian12", cacheDirectory: ".ai-how/cache" };
    const name = (more: object) => identify("Image", { ...base, ...more });
    const names = [{}, { packages: ["jq"] }, { adminUser: "operator" }, { edition: "2" }].map(name);
    expect(new Set(names).size).toBe(names.length);
    expect(name({ mirror: "http://mirror.example/debian" })).toBe(names[0]);
  });

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
