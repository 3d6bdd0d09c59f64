import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { Workstation } from "../support/workstation.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const WORK = "echo work > ~/work && sync";
const POOLS = "/var/lib/libvirt/images";

// libvirtd and virtlogd run as the distribution configures them, on a host of the test's own. One stack serves all tests of this
// file, each of which goes on where the one before ended.
describeUnless(await hostLacks(), "a workstation", () => {
  const site = new Workstation("wkst");
  const { host, hpc, cloud } = site;
  const [controller, compute, controlPlane] = ["controller", "compute-01", "control-plane"] as const;

  it.each([
    [
      "network",
      ["net-define", "/dev/stdin"],
      `<network><name>${hpc}-network</name><bridge name='theirs'/></network>`,
    ],
    [
      "storage pool",
      ["pool-define", "/dev/stdin"],
      `<pool type='dir'><name>${hpc}-pool</name><target><path>/srv</path></target></pool>`,
    ],
    [
      "domain",
      ["define", "/dev/stdin"],
      `<domain type='qemu'><name>${hpc}-controller</name><memory>65536</memory><os><type>hvm</type></os></domain>`,
    ],
  ])("refuses to take a %s of somebody else's, in one line", async (kind, [command = ""], xml) => {
    const undefine =
      { network: "net-undefine", "storage pool": "pool-undefine", domain: "undefine" }[kind] ?? "";
    const name = /<name>(.*)<\/name>/.exec(xml)?.[1] ?? "";
    await host.succeed(
      "sh",
      "-c",
      `printf %s "$1" > /run/theirs.xml; virsh ${command} /run/theirs.xml`,
      "sh",
      xml,
    );
    const before = await site.libvirt();
    const up = await site.run("up");
    expect(up.exitCode).toBe(1);
    const complaint = up.output.split("\n").filter((line) => line.includes("is not of this stack"));
    expect(complaint).toEqual([
      expect.stringContaining(`a ${kind} ${name} exists already and is not of this stack`),
    ]);
    await site.succeed("down");
    expect(await site.libvirt()).toEqual(before);
    await host.virsh(undefine, name);
  });

  it("refuses to take a file of somebody else's in the folder of its disks", async () => {
    await host.succeed(
      "sh",
      "-c",
      `mkdir -p ${POOLS}/${hpc} && echo theirs > ${POOLS}/${hpc}/${hpc}-compute-01.qcow2`,
    );
    const up = await site.run("up");
    expect(up.exitCode).toBe(1);
    expect(up.output).toMatch(
      /a volume wkst-compute-01.qcow2 exists already in pool wkst-pool and is not of this stack/,
    );
    await site.succeed("down");
    expect((await host.succeed("cat", `${POOLS}/${hpc}/${hpc}-compute-01.qcow2`)).stdout).toBe("theirs");
    expect((await host.succeed("ls", "-A", `${POOLS}/${hpc}`)).stdout).toBe(`${hpc}-compute-01.qcow2`);
    await host.succeed("mv", `${POOLS}/${hpc}/${hpc}-compute-01.qcow2`, `${POOLS}/${hpc}/theirs.qcow2`);
  });

  it("comes up although `up` was killed while VMs booted and while Ansible ran", async () => {
    const booting = site.start("up");
    await booting.until(/wkst-compute-01-ready creating/);
    expect(await host.kill(booting)).toMatchObject({ signal: "SIGKILL" });
    const configuring = site.start("up");
    await configuring.until(/wkst-configuration-run: \S+ :/);
    expect(await host.kill(configuring)).toMatchObject({ signal: "SIGKILL" });
    await site.succeed("up");
    expect(await site.libvirt()).toEqual({
      domains: [`${cloud}-control-plane`, `${cloud}-cpu-worker-01`, `${hpc}-compute-01`, `${hpc}-controller`],
      networks: ["default", `${cloud}-network`, `${hpc}-network`],
      pools: [`${cloud}-pool`, `${hpc}-pool`],
    });
  });

  it("runs a job, and has a cloud VM that answers", async () => {
    expect(await site.on(controller, "srun -N1 hostname")).toBe("wkst-compute-01");
    expect(await site.on(controlPlane, "hostname")).toBe(`${cloud}-control-plane`);
    expect(await site.outputs()).toMatchObject({
      target: "workstation",
      slurm: { smokeJob: { state: "COMPLETED" } },
    });
  });

  it("has no changes at the second `up`", async () => {
    expect(done((await site.succeed("up")).output)).toEqual([]);
  });

  it("leaves a machine off that is not to start by itself, until somebody starts it", async () => {
    const worker = async (): Promise<string> =>
      (await host.virsh("domstate", `${cloud}-cpu-worker-01`)).trim();
    expect(await worker()).toBe("shut off");
    const status = await site.succeed("status");
    expect(status.stdout).toMatch(/cpu-worker-01 +vm +10\.78\.2\.11 +off/);
    await site.succeed("start", "--machine", "cpu-worker-01");
    expect(await site.on("cpu-worker-01", "hostname")).toBe(`${cloud}-cpu-worker-01`);
    expect(done((await site.succeed("up")).output)).toEqual([]);
    expect(await worker()).toBe("running");
    await site.succeed("stop", "--machine", "cpu-worker-01");
    expect(await worker()).toBe("shut off");
  });

  it("gets one more node, and all others go on running", async () => {
    const before = await site.boots(controller, compute, controlPlane);
    await site.write({ computeNodes: 2 });
    await site.succeed("up");
    expect((await site.on(controller, "srun -N2 hostname")).split("\n").sort()).toEqual([
      "wkst-compute-01",
      "wkst-compute-02",
    ]);
    expect(await site.boots(controller, compute, controlPlane)).toEqual(before);
  });

  it("keeps every disk, and every machine running, when all images are others", async () => {
    const machines = [controller, compute, "compute-02", controlPlane];
    await Promise.all(machines.map((machine) => site.on(machine, WORK)));
    const before = await site.boots(...machines);
    await site.makeImage("another");
    const preview = await site.succeed("preview");
    expect(preview.stdout).toMatch(/± +Volume wkst-image-copy/);
    expect(preview.stdout).not.toMatch(/[±-] +(Volume|Domain) \S+-(disk|domain)/);
    await site.succeed("up");
    expect(await site.boots(...machines)).toEqual(before);
    for (const machine of machines) expect(await site.on(machine, "cat ~/work")).toBe("work");
  });

  it("refuses a disk that would be lost, and replaces it when that is asked for", async () => {
    await site.write({ computeNodes: 2, diskGib: 11 });
    await site.succeed("up");
    await site.write({ computeNodes: 2, diskGib: 10 });
    const preview = await site.run("preview");
    expect(preview.exitCode).toBe(1);
    expect(preview.output).toMatch(
      /Volume wkst-\S+-disk: a change of capacity replaces \S+: its disk is lost/,
    );
    expect((await site.run("up")).exitCode).toBe(1);
    for (const machine of [controller, compute]) expect(await site.on(machine, "cat ~/work")).toBe("work");
    await site.write({ computeNodes: 2, diskGib: 11 });
    expect((await site.succeed("preview", "--replace", "compute-02")).stdout).toMatch(
      /± +Volume wkst-compute-02-disk: its disk is lost/,
    );
    await site.succeed("up", "--replace", "compute-02");
    expect((await site.ssh("compute-02", "cat ~/work")).exitCode).toBe(1);
    expect(await site.on(compute, "cat ~/work")).toBe("work");
  });

  it("comes back by itself when the host boots", async () => {
    const before = await site.boots(controller, compute, "compute-02");
    await host.plugOut();
    await host.boot();
    expect((await site.libvirt()).networks).toContain(`${hpc}-network`);
    await expect
      .poll(async () => (await site.ssh(controller, "srun -N2 --immediate=5 hostname")).exitCode, {
        timeout: 300_000,
        interval: 5000,
      })
      .toBe(0);
    const after = await site.boots(controller, compute, "compute-02");
    for (const machine of Object.keys(before)) expect(after[machine]).not.toBe(before[machine]);
    expect(await site.on(compute, "cat ~/work")).toBe("work");
    expect((await host.virsh("domstate", `${cloud}-cpu-worker-01`)).trim()).toBe("shut off");
    await site.succeed("up");
  });

  it("has nothing to do with a machine whose host key is another", async () => {
    const change =
      "sudo rm /etc/ssh/ssh_host_ed25519_key* && sudo ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key && sudo systemctl restart ssh";
    await site.ssh("compute-02", change);
    const ssh = await site.ssh("compute-02", "hostname");
    expect(ssh.exitCode).toBe(255);
    expect(ssh.output).toMatch(/host key|HOST IDENTIFICATION/i);
    // Ansible configures all machines anew.
    await site.write({ computeNodes: 2, diskGib: 11, slurm: { max_job_time: "1:00:00" } });
    const configured = await site.run("up");
    expect(configured.exitCode).toBe(1);
    expect(configured.output).toMatch(/compute-02.*(unreachable|host key)/i);
    // What waits for SSH does so after each start.
    await host.virsh("destroy", `${hpc}-compute-02`);
    const started = await site.run("up");
    expect(started.exitCode).toBe(1);
    expect(started.output).toMatch(/wkst-compute-02-ready: .*host key/i);
  });

  it("leaves nothing behind after `down` but what is somebody else's", async () => {
    await site.succeed("down");
    expect(await site.libvirt()).toEqual({ domains: [], networks: ["default"], pools: [] });
    expect(
      (await host.succeed("find", POOLS, "-mindepth", "1", "-printf", "%P\\n")).stdout.split("\n").sort(),
    ).toEqual([hpc, `${hpc}/theirs.qcow2`]);
    expect((await host.succeed("ls", "/var/log/libvirt/qemu")).stdout).not.toContain("console");
  });
});
