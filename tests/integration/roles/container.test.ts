import { createHash } from "node:crypto";
import { execa } from "execa";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "./stage.ts";

const stage = new Stage("container", ["node"]);
const directory = () => join(stage.stateDirectory, "node");

async function leader(): Promise<number> {
  return Number((await readFile(join(directory(), "leader"), "utf8")).split(" ")[0]);
}

/** What a machine leaves while it runs, anywhere on the host. */
async function traces(): Promise<string[]> {
  const [found, commands, mounts] = await Promise.all([
    groups(),
    execa("pgrep", ["--full", "--list-full", `${directory()}/root`], { reject: false }),
    readFile("/proc/self/mounts", "utf8"),
  ]);
  return [
    ...found,
    ...commands.stdout.split("\n"),
    ...mounts.split("\n").filter((line) => line.includes(directory())),
  ].filter((line) => line !== "");
}

describeUnless(unavailable, "a container machine", () => {
  it("is a full system with the name, address and key that it was given", async () => {
    expect(await stage.on("node", "hostname; systemctl is-system-running --wait")).toBe("node\nrunning");
    expect(await stage.on("node", "ip -br -4 addr show host0")).toContain("192.168.190.10/24");
    expect(await stage.on("node", "sudo id -u")).toBe("0");
    expect(await stage.node("node").resource.drift(stage.node("node").made)).toEqual([]);
  });

  it("keeps its host key from everybody but root", async () => {
    expect(await stage.on("node", "stat -c %a /etc/ssh/ssh_host_ed25519_key")).toBe("600");
    expect((await execa("stat", ["-c", "%a", directory()])).stdout).toBe("700");
  });

  it("is the same machine when its creation was interrupted and is repeated", async () => {
    const node = stage.node("node");
    await stage.on("node", "echo kept > ~/file");
    const again = await node.resource.create(node.made.inputs);
    expect(again.state.generation).toBe(node.made.state.generation);
    expect(await stage.on("node", "cat ~/file")).toBe("kept");
    node.made = again;
  });

  it("is found dead when it was killed, and an update boots it again", async () => {
    const node = stage.node("node");
    expect(await processes()).not.toEqual([]);
    process.kill(await leader(), "SIGKILL");
    await expect.poll(() => node.resource.drift(node.made), { timeout: 5000 }).toEqual(["running"]);
    await expect.poll(() => processes(), { timeout: 5000 }).toEqual([]);
    node.made = await node.resource.update(node.made, node.made.inputs);
    expect(await stage.on("node", "cat ~/file")).toBe("kept");
  });

  it("sees a directory of the host as soon as it is asked for", async () => {
    const node = stage.node("node");
    const source = join(stage.scratch, "..", "more");
    const binds = [...(node.made.inputs.binds as object[]), { source, target: "/srv/more" }];
    node.made = await node.resource.update(node.made, { ...node.made.inputs, binds });
    await stage.on("node", "echo from inside > /srv/more/file");
    expect(await readFile(join(source, "file"), "utf8")).toBe("from inside\n");
  });

  it("stays within its memory and processor time", async () => {
    const node = stage.node("node");
    node.made = await node.resource.update(node.made, { ...node.made.inputs, cpus: 0.5, memoryMib: 512 });
    expect(await readLimit("memory/GROUP/memory.limit_in_bytes", "GROUP/memory.max")).toBe(
      String(512 * 2 ** 20),
    );
    expect(await readLimit("cpu/GROUP/cpu.cfs_quota_us", "GROUP/cpu.max")).toMatch(/^50000\b/);
  });

  it("leaves nothing behind when it stops but its files, and nothing at all when it is deleted", async () => {
    const node = stage.node("node");
    node.made = await node.resource.update(node.made, { ...node.made.inputs, running: false });
    expect(await traces()).toEqual([]);
    node.made = await node.resource.update(node.made, { ...node.made.inputs, running: true });
    await node.resource.delete(node.made);
    expect(await traces()).toEqual([]);
    expect(existsSync(directory())).toBe(false);
    expect(existsSync(stage.stateDirectory)).toBe(false);
    expect((await execa("ip", ["-n", stage.namespace, "-br", "link"])).stdout).not.toContain("vb-");
    expect(await node.resource.refresh(node.made)).toBeUndefined();
    await node.resource.delete(node.made);
  });

  it("is gone when somebody removed its files, and is made anew", async () => {
    const node = stage.node("node");
    const before = node.made.state.generation;
    node.made = await node.resource.create(node.made.inputs);
    expect(node.made.state.generation).not.toBe(before);
    await expect(stage.on("node", "cat ~/file")).rejects.toThrow();
    process.kill(await leader(), "SIGKILL");
    await rm(join(directory(), "upper"), { recursive: true });
    expect(await node.resource.drift(node.made)).toEqual(["gone"]);
  });

  it("says why it did not boot", async () => {
    const node = stage.node("node");
    await expect(node.resource.create({ ...node.made.inputs, bridge: "br9" })).rejects.toThrow(
      /node did not boot:[^]*br9/,
    );
    await expect(node.resource.create({ ...node.made.inputs, adminUser: "nobody-here" })).rejects.toThrow(
      /has no account nobody-here/,
    );
  });
});

/** The machine's control groups in every hierarchy that the host shows. */
async function groups(): Promise<string[]> {
  const digest = createHash("sha256").update(directory()).digest("hex").slice(0, 8);
  const found = await execa("find", ["/sys/fs/cgroup", "-maxdepth", "3", "-name", `ai-how-node-${digest}`]);
  return found.stdout.split("\n").filter((line) => line !== "");
}

/** The processes in them, whoever started them. */
async function processes(): Promise<string[]> {
  const found = await execa("find", [
    ...(await groups()),
    "-name",
    "cgroup.procs",
    "-exec",
    "cat",
    "{}",
    "+",
  ]);
  return found.stdout.split("\n").filter((line) => line !== "");
}

/** A limit from the hierarchy that this host has: version 1, or 2. */
async function readLimit(one: string, two: string): Promise<string> {
  const group =
    (await traces())
      .find((line) => line.startsWith("/sys/fs/cgroup"))
      ?.split("/")
      .at(-1) ?? "";
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const file = (unified ? two : one).replace("GROUP", group);
  return (await readFile(join("/sys/fs/cgroup", file), "utf8")).trim();
}
