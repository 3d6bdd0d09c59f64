import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { fetchCommand, smallPackage } from "../support/package.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

/** Waits on the machine itself, for so many seconds: each look from outside costs an emulated one a second of its processor. */
const until = (condition: string, seconds: number): string =>
  `timeout ${seconds} sh -c 'until ${condition}; do sleep 1; done'`;

// Booting costs most: one cluster serves all tests of this file, each of which goes on where the one before ended.
describeUnless(await hostLacks(), "a stack of virtual machines", () => {
  // Names as long as a token: what tells a machine apart must not pass for a secret.
  const site = new Site("virtual", { machines: "vm", computeNodes: 2, hostFolder: import.meta.dirname });
  const nodes = ["virtual-compute-01", "virtual-compute-02"];

  it("whose `up` is killed with SIGKILL while VMs boot is finished by the next one, with nothing doubled", async () => {
    const up = site.start("up");
    await up.until(/virtual-compute-02-domain created|virtual-compute-02-ready creating/);
    expect(await up.kill()).toMatchObject({ signal: "SIGKILL" });
    expect(site.runningMachines()).toContain("virtual-compute-02");

    await site.succeed("up");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    expect((await site.virsh("list", "--all", "--name")).split("\n").filter(Boolean).sort()).toEqual(
      [...site.machines].sort(),
    );
    expect(new Set(site.resources()).size).toBe(site.resources().length);
    expect(await site.outputs()).toMatchObject({
      machines: [{ kind: "vm" }, { kind: "vm" }, { kind: "vm" }],
      slurm: { smokeJob: { nodes, state: "COMPLETED" } },
    });
  });

  it("runs a job on both nodes, which share scratch by NFS", async () => {
    expect((await site.on("controller", "srun -N2 hostname")).split("\n").sort()).toEqual(nodes);
    await site.on("compute-01", "echo shared > /scratch/file");
    expect(await site.on("compute-02", "cat /scratch/file; stat -f -c %T /scratch")).toBe("shared\nnfs");
  });

  it("has a folder of the host on the node that asks for it, to read only", async () => {
    expect(await site.on("compute-01", "ls /mnt/host; stat -f -c %T /mnt/host")).toContain("vm.test.ts");
    expect(await site.ssh("compute-01", "sudo touch /mnt/host/vm.test.ts")).toMatchObject({ exitCode: 1 });
  });

  it("goes without guards against speculative execution where it is emulated, and only there", async () => {
    const isEmulated = (await site.outputs()).virtualization?.type === "qemu";
    expect((await site.on("compute-01", "cat /proc/cmdline")).includes("mitigations=off")).toBe(isEmulated);
  });

  it("has machines that fetch a package from outside", async () => {
    const found = await smallPackage();
    expect(await site.on("compute-01", fetchCommand(found))).toBe(found.sha256);
  });

  it("has no changes at the second `up`", async () => {
    const again = await site.succeed("up");
    expect(again.output).toContain("no changes");
  });

  it("requeues the job of a VM that died, and `up` brings it back, and one that hung and was undefined", async () => {
    const [died = "", hung = ""] = nodes;
    const before = await site.boot("controller");
    const job = await site.on(
      "controller",
      `sbatch --parsable --requeue --nodelist=${died} --output=/scratch/requeued.out --open-mode=append ` +
        // The first run has to have left its line on the server before its machine dies.
        `--wrap 'echo "run $SLURM_RESTART_COUNT"; sync; [ -n "$SLURM_RESTART_COUNT" ] || sleep 3600'`,
    );
    await site.on("controller", until("grep -q run /scratch/requeued.out", 120));
    await site.virsh("suspend", hung);
    expect((await site.succeed("stop", "--machine", "compute-02", "--force")).stdout).toBe(
      "compute-02 is off",
    );
    await site.virsh("undefine", hung, "--nvram");
    await site.virsh("destroy", died);
    // SLURM misses the node after SlurmdTimeout, a minute.
    await site.on("controller", until(`scontrol show job ${job} | grep -q Restarts=1`, 240));

    const refresh = await site.succeed("refresh");
    expect(done(refresh.output).sort()).toEqual([
      `changed outside Domain ${died}-domain`,
      `gone Domain ${hung}-domain`,
    ]);
    const up = await site.succeed("up");
    expect(done(up.output).sort()).toEqual([
      `created Domain ${hung}-domain`,
      `updated Domain ${died}-domain`,
      `updated SshReady ${died}-ready`,
      `updated SshReady ${hung}-ready`,
    ]);
    expect(await site.boot("controller")).toBe(before);
    // A requeued job waits two minutes before it may start again, unless it is told not to, or they have passed.
    await site.on("controller", `scontrol update JobId=${job} StartTime=now || true`);
    await site.on("controller", until(`scontrol show job ${job} | grep -q JobState=COMPLETED`, 300));
    expect(await site.on("controller", "cat /scratch/requeued.out")).toBe("run \nrun 1");
    const both = "srun --immediate=180 -N2 hostname";
    expect((await site.on("controller", both)).split("\n").sort()).toEqual(nodes);
    await site.on("controller", until(`sinfo -hN -n ${died} -o %T | grep -qx idle`, 60));
  });

  it("remembers the smoke job after the controller's reboot", async () => {
    const { smokeJob } = (await site.outputs()).slurm ?? {};
    const before = await site.boot("controller");
    await site.ssh("controller", "sudo systemctl reboot");
    const reached = (): Promise<string> => site.boot("controller").catch(() => before);
    await expect.poll(reached, { timeout: 240_000, interval: 3000 }).not.toBe(before);
    const remembered = `sacct -nPX -j ${smokeJob?.jobId ?? 0} -o JobName,State,NNodes`;
    await site.on("controller", until(`${remembered} 2>/dev/null | grep -q smoke`, 120));
    expect(await site.on("controller", remembered)).toBe("smoke|COMPLETED|2");
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("leaves nothing behind after `down`, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });
});
