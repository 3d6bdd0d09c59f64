import { execa } from "execa";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lacks } from "../required.ts";
import { metaData, networkConfig, userData } from "../../components/machines/cloud-init.ts";
import { identityFiles, secretIdentityFiles } from "../../components/machines/identity.ts";
import { type Made, Stage } from "../integration/libvirt/stage.ts";
import { buildImage, hostDriver, identify, keyPair } from "../integration/roles/stage.ts";
import { Running } from "../support/command.ts";
import { CommandLineWatch, processes } from "../support/processes.ts";
import { repository } from "../support/project.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await lacks("Packer"));
const cache = join(repository, ".ai-how", "cache");
const images = join(cache, "images");
// Another name in every run, so that it is really built.
const edition = `test-${process.pid}`;
const changed = `${edition}-changed`;

describeUnless(lacking, "a compute image that Packer makes", () => {
  const watch = new CommandLineWatch();
  let raw: Record<string, unknown>;
  let image: Made;
  /** What the build got in with, as far as anything of it could be found again. */
  const traces: string[] = [];

  beforeAll(async () => {
    const { name, disk, kernel, initrd, kernelArguments } = (await buildImage()).state;
    raw = {
      kind: "compute",
      distribution: "debian12",
      source: { image: { name, disk, kernel, initrd, kernelArguments } },
      accelerator: "tcg",
      cacheDirectory: ".ai-how/cache",
      edition,
    };
    watch.start();
  });

  afterAll(async () => {
    watch.stop();
    // What was built, and the logs of what was not.
    for (const folder of [images, join(cache, "packer")]) {
      for (const file of await readdir(folder).catch(() => [])) {
        if (names().some((name) => file.startsWith(name))) await rm(join(folder, file), { recursive: true });
      }
    }
  });

  /** Builds in a process of its own, which can be killed. */
  const build = (more = {}) =>
    new Running(process.execPath, [
      join(repository, "tests", "support", "create-image.ts"),
      "host:index:PackerImage",
      JSON.stringify({ ...raw, ...more }),
    ]);
  /** Names of the images that this test builds, and of nobody else's. */
  const names = () =>
    [edition, changed].flatMap((each) => identify("PackerImage", { ...raw, edition: each }) ?? []);
  const drafts = () =>
    readdirSync(images).filter(
      (file) => file.startsWith(".building-") && names().some((name) => file.includes(name)),
    );
  /** Processes that work on them. */
  const atWork = () =>
    processes()
      .map(({ arguments: args }) => args.join(" "))
      .filter((line) => /qemu-system|packer|ansible/.test(line))
      .filter((line) => line.includes(".building-") && names().some((name) => line.includes(name)));
  const learn = async () => {
    const draft = join(images, drafts()[0] ?? "");
    const privateKey = join(draft, "key");
    const publicKey = (await execa("ssh-keygen", ["-y", "-f", privateKey])).stdout;
    const hostKey = readFileSync(join(draft, "seed", "ai-how", "host-key.pub"), "utf8");
    traces.push(publicKey.split(" ")[1] ?? "", hostKey.split(" ")[1] ?? "");
    for (const line of readFileSync(privateKey, "utf8").split("\n").slice(2, 4)) traces.push(line);
    expect(statSync(draft).mode & 0o777).toBe(0o700);
  };

  it("is nowhere after a build that was killed with SIGKILL, and nothing of it runs", async () => {
    const killed = build();
    await killed.until(/^boot: /m);
    await expect.poll(atWork).toContainEqual(expect.stringContaining("qemu-system"));
    await killed.kill();
    await expect.poll(atWork).toEqual([]);
    expect(existsSync(join(images, identify("PackerImage", raw) ?? ""))).toBe(false);
  });

  it("is built by the next run, which removes what the killed one left", async () => {
    const before = drafts();
    expect(before).toHaveLength(1);
    const running = build();
    await running.until(/^boot: /m);
    await learn();
    expect(drafts()).not.toEqual(before);
    const built = await running.ended;
    expect(built.exitCode, built.output).toBe(0);
    expect(built.output).toMatch(/^slurm : SLURM has its directories \.\.\. /m);
    expect(drafts()).toEqual([]);
    expect(atWork()).toEqual([]);
  });

  it("is there at once the second time", async () => {
    const said: string[] = [];
    image = await hostDriver("PackerImage", "image").create(raw, (line) => void said.push(line));
    expect(said).toEqual([]);
    expect(image.id).toBe(identify("PackerImage", raw));
    expect(await hostDriver("PackerImage", "image").drift(image)).toEqual([]);
    expect((await stat(String(image.state.disk))).mode & 0o444).toBe(0o444);
  });

  it("is built again when an input changed; cancelled, that leaves nothing at all", async () => {
    const running = build({ edition: changed });
    await running.until(/^boot: /m);
    process.kill(running.pid, "SIGTERM");
    const cancelled = await running.ended;
    expect(cancelled.exitCode).not.toBe(0);
    expect(cancelled.output).toContain("building the image was cancelled");
    expect([...drafts(), ...atWork()]).toEqual([]);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("ai-how-packer-"))).toEqual([]);
  });

  it("has its parts, and nothing that is one machine's own", async () => {
    const directory = await mkdtemp(join(tmpdir(), "ai-how-test-packer-"));
    try {
      const disk = join(directory, "disk.raw");
      await execa("qemu-img", ["convert", "-O", "raw", String(image.state.disk), disk]);
      await execa("e2fsck", ["-fn", disk]);
      const ask = async (request: string) => (await execa("debugfs", ["-R", request, disk])).stdout;
      const list = async (folder: string) =>
        (await ask(`ls -p ${folder}`))
          .split("\n")
          .flatMap((line) => line.split("/")[5] ?? [])
          .filter((name) => !["", ".", ".."].includes(name));

      expect(JSON.parse(await ask("cat /etc/ai-how/slurm.fact"))).toMatchObject({
        parts: ["common", "compute"],
      });
      expect(await ask("cat /etc/machine-id")).toBe("");
      expect((await list("/etc/ssh")).filter((name) => name.startsWith("ssh_host"))).toEqual([]);
      expect(await list("/etc/sudoers.d")).toEqual(["README", "ai-how"]);
      for (const folder of ["/home/admin", "/root"]) {
        expect((await list(folder)).filter((name) => /^\.(ssh|ansible|cache)$|history/.test(name))).toEqual(
          [],
        );
      }
      for (const folder of ["/tmp", "/var/tmp", "/var/lib/cloud", "/var/log/journal", "/etc/systemd/network"])
        expect(await list(folder), folder).toEqual([]);
      for (const file of ["/var/lib/systemd/random-seed", "/etc/munge/munge.key", "/usr/sbin/policy-rc.d"])
        expect(await ask(`stat ${file}`), file).toBe("");
      const shadow = (await ask("cat /etc/shadow")).split("\n");
      expect(shadow.filter((line) => /^[^:]+:[^!*:]/.test(line) || /^[^:]+::/.test(line))).toEqual([]);
      expect(await ask("cat /etc/ssh/sshd_config.d/10-ai-how.conf")).toContain("PasswordAuthentication no");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it("keeps no trace of the build's keys, and nobody could see them", async () => {
    expect(traces.filter((trace) => trace.length > 40)).toHaveLength(4);
    const logs = join(String(image.state.disk), "..", "build.log");
    for (const file of [String(image.state.disk), logs]) {
      // grep gets them by its input: they are looked for in every command line, too.
      const found = await execa("grep", ["--text", "--count", "--fixed-strings", "--file=-", file], {
        input: traces.join("\n"),
        reject: false,
      });
      expect(found.stdout, file).toBe("0");
    }
    expect([...watch.seen].some((line) => line.includes("qemu-system"))).toBe(true);
    const [, , ...secret] = traces;
    expect([...watch.seen].filter((line) => secret.some((trace) => line.includes(trace)))).toEqual([]);
  });

  describe("as a machine", () => {
    const stage = new Stage("packer");

    it("boots with libvirt, and lets in who its seed says, and nobody else", async () => {
      const [admin, host] = [await keyPair("test"), await keyPair("machine")];
      const { disk, kernel, initrd, kernelArguments } = image.state;
      await stage.driver("StoragePool").create({ name: "pool", path: stage.pool });
      await stage.driver("Network").create({ name: "net", subnet: "10.78.0.0/24" });
      const volume = await stage.driver("Volume").create({
        pool: "pool",
        name: "disk.qcow2",
        capacity: 10 * 1024 ** 3,
        backing: { path: disk, format: "qcow2" },
      });
      const user = {
        hostname: "node",
        domain: "test.local",
        adminUser: "admin",
        authorizedKey: admin.publicKey,
        hostPrivateKey: host.privateKey,
        hostPublicKey: host.publicKey,
        mounts: [],
      };
      const lan = {
        domain: "test.local",
        mac: "52:54:00:00:78:10",
        address: "10.78.0.10/24",
        gateway: "10.78.0.1",
      };
      const seed = await stage.driver("CloudInitDisk").create({
        pool: "pool",
        name: "seed.iso",
        userData: userData(user),
        metaData: metaData("node"),
        networkConfig: networkConfig(lan),
        files: identityFiles(user, lan),
        secretFiles: secretIdentityFiles(user),
      });
      await stage.driver("Domain").create({
        name: "node",
        type: "qemu",
        machine: "pc",
        cpu: { mode: "custom", model: "qemu64", features: [{ name: "svm", policy: "disable" }] },
        vcpus: 1,
        memory: 1024,
        shutdownTimeout: 0,
        boot: { kernel, initrd, cmdline: `${String(kernelArguments)} mitigations=off cryptomgr.notests` },
        disks: [
          { volume: volume.state.path, generation: volume.state.generation, format: "qcow2" },
          { volume: seed.state.path, format: "raw", readonly: true },
        ],
        interfaces: [{ network: "net", mac: "52:54:00:00:78:10" }],
        consoleLog: join(String(stage.made.state.consoleDirectory), "node.log"),
      });

      const ssh = {
        address: "10.78.0.10",
        port: 22,
        user: "admin",
        hostKey: host.publicKey,
        privateKey: admin.privateKey,
        proxyCommand: String(stage.made.state.proxyCommand),
      };
      await hostDriver("SshReady", "node").create({ ssh, generation: "1" });
      const on = (command: string, machine: object = ssh) =>
        execa(join(repository, "ansible", "ssh"), [command], {
          env: { AI_HOW_MACHINE: JSON.stringify(machine) },
          reject: false,
        });
      const said = await on(
        "hostname; cat /etc/machine-id; systemctl is-enabled munge slurmd; /usr/sbin/slurmd -V",
      );
      expect(said.stdout).toMatch(/^node\n[0-9a-f]{32}\ndisabled\ndisabled\nslurm-wlm /);
      const stranger = { ...ssh, privateKey: (await keyPair("stranger")).privateKey };
      expect(await on("true", stranger)).toMatchObject({ failed: true });
    });
  });
});
