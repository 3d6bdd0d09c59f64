import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { repository } from "../../support/project.ts";

const python = join(repository, ".venv/bin/python");
const library = join(repository, "ansible/library/huge_pages.py");
const answerSchema = z.object({
  changed: z.boolean().optional(),
  msg: z.string().optional(),
  warnings: z.array(z.string()).optional(),
});
const UNIT = "etc/systemd/system/dev-hugepages1G.mount";

// A fake of systemd: it notes what it is asked, and mounts what a unit says as the kernel would show it.
const fakeSystemctl = `#!/bin/sh
root=$(dirname "$0")/../..
echo "$*" >>"$root/asked"
case "$*" in
  "enable --now "*)
    grep -q '^Options=pagesize=1G,' "$root/etc/systemd/system/$3" || exit 1
    where=$(sed -n 's/^Where=//p' "$root/etc/systemd/system/$3")
    echo "hugetlbfs $where hugetlbfs rw,nosuid,nodev,relatime,pagesize=1024M 0 0" >>"$root/proc/mounts" ;;
  "disable --now "*)
    if [ -e "$root/busy" ]; then echo "target is busy" >&2; exit 1; fi
    sed -i '/hugepages1G/d' "$root/proc/mounts" ;;
esac
`;

describe("huge pages of a host", () => {
  let root = "";
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const pages = async (kib: number) =>
    Number(await readFile(join(root, `sys/kernel/mm/hugepages/hugepages-${kib}kB/nr_hugepages`), "utf8"));
  const asked = async () =>
    (await readFile(join(root, "asked"), "utf8").catch(() => "")).split("\n").slice(0, -1);

  /** A host with 64 GiB, as it comes: one mount, of the usual size, and systemd. */
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "ai-how-fake-host-"));
    for (const kib of [2048, 1048576])
      await write(`sys/kernel/mm/hugepages/hugepages-${kib}kB/nr_hugepages`, "0\n");
    await write("proc/meminfo", `MemTotal:       ${64 * 2 ** 20} kB\nMemFree:        1000 kB\n`);
    await write(
      "proc/mounts",
      "hugetlbfs /dev/hugepages hugetlbfs rw,nosuid,nodev,relatime,pagesize=2M 0 0\n",
    );
    await write("usr/bin/systemctl", fakeSystemctl);
    await chmod(join(root, "usr/bin/systemctl"), 0o755);
    await mkdir(join(root, "run/systemd/system"), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** Runs the module as Ansible does. */
  async function set(count2m: number, count1g: number, owner = "ws") {
    const args = { owner, count_2m: count2m, count_1g: count1g, root };
    const said = await execa(python, [library], {
      input: JSON.stringify({ ANSIBLE_MODULE_ARGS: args }),
      reject: false,
    });
    const answer = answerSchema.parse(JSON.parse(said.stdout));
    return { failed: said.failed, ...answer };
  }

  it("are where libvirt finds them: one of 1 GiB has its mount before it looks, also after a boot", async () => {
    const first = await set(0, 3);
    expect(first, first.msg).toMatchObject({ failed: false, changed: true });
    expect(await asked()).toEqual([
      "daemon-reload",
      "enable --now dev-hugepages1G.mount",
      "try-restart libvirtd.service",
      "try-restart virtqemud.service",
    ]);
    // systemd itself reads it: a name that is not that of its place would be refused.
    const verified = await execa("systemd-analyze", ["verify", "--man=no", join(root, UNIT)], {
      reject: false,
    });
    expect(verified.stderr).toBe("");
    expect(await set(0, 3)).toMatchObject({ failed: false, changed: false });
    expect(await asked()).toHaveLength(4);
  });

  it("lose the mount with the last page of 1 GiB, and not before", async () => {
    await set(0, 3);
    await set(0, 2, "other");
    await set(0, 0);
    expect(await pages(1048576)).toBe(2);
    expect(existsSync(join(root, UNIT))).toBe(true);
    expect(await set(0, 0, "other")).toMatchObject({ failed: false, changed: true });
    expect(existsSync(join(root, UNIT))).toBe(false);
    expect((await asked()).slice(-2)).toEqual(["disable --now dev-hugepages1G.mount", "daemon-reload"]);
  });

  it("are given back though the mount is in use", async () => {
    await set(0, 3);
    await write("busy", "");
    expect(await set(0, 0)).toMatchObject({
      failed: false,
      warnings: ["/dev/hugepages1G stays until the next boot: target is busy"],
    });
    expect(await pages(1048576)).toBe(0);
    expect(existsSync(join(root, UNIT))).toBe(false);
  });

  it("leave systemd alone where somebody mounted the size, and where none of it is asked for", async () => {
    expect(await set(10, 0)).toMatchObject({ failed: false });
    await write("proc/mounts", "none /mnt/huge hugetlbfs rw,relatime,pagesize=1024M 0 0\n");
    expect(await set(10, 3)).toMatchObject({ failed: false });
    expect(await set(0, 0)).toMatchObject({ failed: false });
    expect(await asked()).toEqual([]);
  });

  it("are not set aside where libvirt would not find them", async () => {
    await rm(join(root, "run/systemd"), { recursive: true });
    const said = await set(10, 3);
    expect(said.failed).toBe(true);
    expect(said.msg).toContain("mount -t hugetlbfs -o pagesize=1G hugetlbfs /dev/hugepages1G");
    expect([await pages(2048), await pages(1048576)]).toEqual([0, 0]);
  });

  it("leave the host a tenth of its memory", async () => {
    const said = await set(2048, 54);
    expect(said.failed).toBe(true);
    expect(said.msg).toContain(
      "huge pages of 58.0 GiB would leave this host 6.0 of its 64.0 GiB, and it keeps 6.4; make the machines smaller by 0.4 GiB",
    );
    expect([await pages(2048), await pages(1048576)]).toEqual([0, 0]);
    expect(await set(2048, 53)).toMatchObject({ failed: false });
  });

  it("leave the host 4 GiB, those of others counted", async () => {
    await write("proc/meminfo", `MemTotal:       ${16 * 2 ** 20} kB\n`);
    await write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "1024\n");
    const said = await set(0, 11);
    expect(said.msg).toContain(
      "huge pages of 13.0 GiB would leave this host 3.0 of its 16.0 GiB, and it keeps 4.0",
    );
    expect(await set(0, 10)).toMatchObject({ failed: false });
    await write("proc/meminfo", `MemTotal:       ${8 * 2 ** 20} kB\n`);
    expect(await set(0, 0), "giving back").toMatchObject({ failed: false });
  });
});
