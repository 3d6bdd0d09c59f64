import { execa } from "execa";
import { existsSync, readFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { processesIn } from "../../../providers/host/network-namespace.ts";
import { Driver, Stage, unavailable } from "./stage.ts";

const stage = new Stage("sandbox");

// Where this host gets its packages from.
const mirror = new URL(
  /^(?:deb |URIs: *)(?:\[.*\] )?(https?:\S+)/m.exec(
    [
      "/etc/apt/sources.list",
      "/etc/apt/sources.list.d/debian.sources",
      "/etc/apt/sources.list.d/ubuntu.sources",
    ]
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, "utf8"))
      .join("\n"),
  )?.[1] ?? "http://localhost",
);

/** What a sandbox must not change on the host. */
async function hostState(): Promise<string> {
  const [links, mounts, rules] = await Promise.all([
    execa("ip", ["-o", "link"]),
    readFile("/proc/self/mounts", "utf8"),
    execa("sh", ["-c", "iptables-save 2>/dev/null | grep -i libvirt; cat /proc/sys/net/ipv4/ip_forward"]),
  ]);
  const kept = mounts.split("\n").filter((line) => !line.includes("/run/netns"));
  return [links.stdout, ...kept, rules.stdout, String(existsSync("/run/libvirt/libvirt-sock"))].join("\n");
}

async function killLibvirtd(): Promise<void> {
  const find = async () => (await processesIn(stage.namespace)).find(({ name }) => name === "libvirtd");
  const daemon = await find();
  if (daemon !== undefined) process.kill(daemon.pid, "SIGKILL");
  // A busy host takes a moment to end it.
  await expect.poll(find).toBeUndefined();
}

describeUnless(unavailable, "Sandbox", () => {
  it("has a libvirtd of its own and leaves the host as it is", async () => {
    const before = await hostState();
    await stage.virsh("net-create", "/dev/null").catch(() => undefined);
    const network = await stage.driver("Network").create({ name: "n", subnet: "10.77.0.0/24" });
    expect(await stage.virsh("net-list", "--name")).toContain("n");
    expect(await hostState()).toBe(before);
    await stage.driver("Network").delete(network);
  });

  it("keeps what is private from others", async () => {
    expect((await stat(`/var/lib/ai-how/${stage.name}`)).mode & 0o777).toBe(0o700);
    expect((await stat(`/run/ai-how/${stage.name}/libvirt/libvirt-sock`)).mode & 0o777).toBe(0o700);
  });

  it("is reached by its ProxyCommand's namespace", async () => {
    const { stdout } = await execa("nsenter", [
      `--net=${String(stage.made.state.networkNamespace)}`,
      "ip",
      "-o",
      "link",
    ]);
    expect(stdout).toContain("LOOPBACK,UP");
  });

  it("has a way out that can be closed and is mended, and no way in", async () => {
    const names = ["getent", "hosts", mirror.hostname];
    const inside = (...command: string[]) =>
      execa("nsenter", [`--target=${first}`, "--net", "--mount", ...command], { reject: false });
    const first = (await processesIn(stage.namespace)).find(({ isInit }) => isInit)?.pid ?? 0;
    expect((await inside(...names)).exitCode).toBe(0);
    expect((await inside("curl", "--silent", "--head", mirror.href)).exitCode).toBe(0);
    const program = async (): Promise<string> =>
      (await readFile(`/run/ai-how/${stage.name}/way-out.pid`, "utf8")).trim();
    // Nobody can begin a connection with what listens nowhere. (What it asked by UDP has a port for the answer.)
    expect((await execa("ss", ["-Hlntp"])).stdout).not.toContain(`pid=${await program()},`);
    const before = await hostState();
    const closed = await stage.sandbox.update(stage.made, { name: stage.name, internet: false });
    expect((await inside("curl", "--silent", "--max-time", "5", mirror.href)).exitCode).not.toBe(0);
    const opened = await stage.sandbox.update(closed, { name: stage.name });
    expect((await inside(...names)).exitCode).toBe(0);
    process.kill(Number(await program()), "SIGKILL");
    await expect.poll(() => stage.sandbox.drift(opened)).toEqual(["internet"]);
    await stage.sandbox.update(opened, { name: stage.name });
    expect((await inside(...names)).exitCode).toBe(0);
    expect(await hostState()).toBe(before);
  });

  it("is finished by a second creation of the same resource", async () => {
    const daemons = async () => (await processesIn(stage.namespace)).map(({ pid }) => pid).sort();
    const before = await daemons();
    expect(await stage.sandbox.create({ name: stage.name })).toEqual(stage.made);
    expect(await daemons()).toEqual(before);
  });

  it("refuses another resource of the same project, and another clone of it", async () => {
    const other = new Driver(await hostProvider(), "host:index:Sandbox", "other");
    await expect(other.create({ name: stage.name })).rejects.toThrow(/belongs to urn:pulumi/);
    const owner = `/var/lib/ai-how/${stage.name}/owner.json`;
    const ours = await readFile(owner, "utf8");
    await writeFile(owner, JSON.stringify({ urn: "urn", project: "/tmp", pid: 1 }));
    try {
      await expect(stage.sandbox.create({ name: stage.name })).rejects.toThrow(
        `sandbox ${stage.name} belongs to /tmp: destroy it there, or choose another name`,
      );
      expect(await stage.sandbox.refresh(stage.made)).toBeUndefined();
      await stage.sandbox.delete(stage.made);
      expect(await stage.virsh("uri")).toContain(stage.name);
    } finally {
      await writeFile(owner, ours);
    }
  });

  it("starts a libvirtd that died, among machines that did not", async () => {
    const domain = await stage
      .driver("Domain")
      .create({ name: "survivor", type: "qemu", vcpus: 1, memory: 32, shutdownTimeout: 0 });
    const id = (await stage.virsh("domid", "survivor")).trim();
    await killLibvirtd();
    expect(await stage.sandbox.drift(stage.made)).toEqual(["running"]);
    expect(await stage.driver("Domain").drift(domain)).toEqual(["running"]);
    await stage.sandbox.update(stage.made, { name: stage.name });
    expect((await stage.virsh("domid", "survivor")).trim()).toBe(id);
    expect(await stage.driver("Domain").drift(domain)).toEqual([]);
    await stage.driver("Domain").delete(domain);
  });

  it("finds its namespace again when the name was taken away", async () => {
    await execa("ip", ["netns", "delete", stage.namespace]);
    expect(await stage.sandbox.drift(stage.made)).toEqual(["running"]);
    await stage.sandbox.update(stage.made, { name: stage.name });
    expect(await stage.sandbox.drift(stage.made)).toEqual([]);
    expect((await processesIn(stage.namespace)).filter(({ name }) => name === "libvirtd")).toHaveLength(1);
  });

  it("stops and starts, and is left alone by a Delete of what it held", async () => {
    const volume = stage.driver("Volume");
    const pool = await stage.driver("StoragePool").create({ name: "p", path: stage.pool });
    const made = await volume.create({ pool: "p", name: "v", capacity: 1_048_576 });
    const stopped = await stage.sandbox.update(stage.made, { name: stage.name, running: false });
    expect(await processesIn(stage.namespace)).toEqual([]);
    expect(await stage.driver("StoragePool").drift(pool)).toEqual(["active"]);
    expect(await volume.drift(made)).toEqual([]);
    await stage.driver("StoragePool").delete(pool);
    await stage.sandbox.update(stopped, { name: stage.name });
    expect(await volume.drift(made)).toEqual([]);
  });

  it("leaves nothing behind", async () => {
    const other = new Driver(await hostProvider(), "host:index:Sandbox", "short");
    const name = `${stage.name.slice(0, 24)}-x`;
    const made = await other.create({ name });
    await other.delete(made);
    await other.delete(made);
    for (const path of [`/run/netns/ai-how-${name}`, `/run/ai-how/${name}`, `/var/lib/ai-how/${name}`]) {
      expect(existsSync(path)).toBe(false);
    }
    const { stdout } = await execa("ps", ["-eo", "stat,args"]);
    expect(stdout.split("\n").filter((line) => line.includes(`/${name}`) && !line.startsWith("Z"))).toEqual(
      [],
    );
  });
});

async function hostProvider() {
  const { Provider } = await import("../../../providers/framework/provider.ts");
  const { host } = await import("../../../providers/host/provider.ts");
  const provider = new Provider(host);
  provider.configure({});
  return provider;
}
