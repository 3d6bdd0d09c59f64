import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

// Booting costs most: one cluster serves all tests of this file, each of which goes on where the one before ended.
describeUnless(await hostLacks(), "a stack of virtual machines", () => {
  // Names as long as a token: what tells a machine apart must not pass for a secret.
  const site = new Site("virtual", { machines: "vm", computeNodes: 2, hostFolder: import.meta.dirname });
  const nodes = ["virtual-compute-01", "virtual-compute-02"];
  const except = async (machine: string): Promise<Record<string, string>> =>
    Object.fromEntries(Object.entries(await site.boots()).filter(([name]) => name !== machine));

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

  it("has no changes at the second `up`", async () => {
    const again = await site.succeed("up");
    expect(again.output).toContain("no changes");
  });

  it("requeues a job whose VM died, and finishes it once `up` has brought only that VM back", async () => {
    const victim = "virtual-compute-01";
    const before = await except(victim);
    const job = await site.on(
      "controller",
      `sbatch --parsable --requeue --nodelist=${victim} --output=/scratch/requeued.out --open-mode=append ` +
        // The first run has to have left its line on the server before its machine dies.
        `--wrap 'echo "run $SLURM_RESTART_COUNT"; sync; [ -n "$SLURM_RESTART_COUNT" ] || sleep 3600'`,
    );
    const state = (): Promise<string> => site.on("controller", `scontrol show job ${job}`);
    const output = (): Promise<string> => site.on("controller", "cat /scratch/requeued.out || true");
    await expect.poll(output, { timeout: 120_000, interval: 5000 }).toBe("run ");
    await site.virsh("destroy", victim);
    // SLURM misses the node after SlurmdTimeout, a minute.
    await expect.poll(state, { timeout: 240_000, interval: 10_000 }).toContain("Restarts=1");

    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toEqual([`changed outside Domain ${victim}-domain`]);
    const up = await site.succeed("up");
    expect(done(up.output)).toEqual([`updated Domain ${victim}-domain`, `updated SshReady ${victim}-ready`]);
    expect(await except(victim)).toEqual(before);
    // A requeued job waits two minutes before it may start again, unless it is told not to.
    await site.on("controller", `scontrol update JobId=${job} StartTime=now`);
    await expect.poll(state, { timeout: 300_000, interval: 5000 }).toContain("JobState=COMPLETED");
    expect(await output()).toBe("run \nrun 1");
    await expect
      .poll(() => site.on("controller", `sinfo -hN -n ${victim} -o %T`), { timeout: 60_000, interval: 3000 })
      .toBe("idle");
  });

  it("powers off a VM that hangs, defines it again after it was undefined, and leaves the others alone", async () => {
    const victim = "virtual-compute-02";
    const before = await except(victim);
    await site.virsh("suspend", victim);
    expect((await site.succeed("stop", "--machine", "compute-02", "--force")).stdout).toBe(
      "compute-02 is off",
    );
    await site.virsh("undefine", victim, "--nvram");
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toEqual([`gone Domain ${victim}-domain`]);
    const up = await site.succeed("up");
    expect(done(up.output).filter((line) => /Domain|Volume|CloudInitDisk|Network/.test(line))).toEqual([
      `created Domain ${victim}-domain`,
    ]);
    expect(await except(victim)).toEqual(before);
    await expect
      .poll(async () => (await site.ssh("controller", "srun -N2 hostname | sort")).stdout, {
        timeout: 180_000,
        interval: 5000,
      })
      .toBe(nodes.join("\n"));
  });

  it("remembers the smoke job after the controller's reboot", async () => {
    const { smokeJob } = (await site.outputs()).slurm ?? {};
    const before = (await site.boots())["virtual-controller"];
    await site.ssh("controller", "sudo systemctl reboot");
    const remembered = async (): Promise<string> =>
      (await site.ssh("controller", `sacct -nPX -j ${smokeJob?.jobId ?? 0} -o JobName,State,NNodes`)).stdout;
    await expect
      .poll(async () => (await site.ssh("controller", "cat /proc/sys/kernel/random/boot_id")).stdout, {
        timeout: 240_000,
        interval: 5000,
      })
      .toSatisfy((boot: string) => boot !== "" && before?.includes(boot) === false);
    await expect.poll(remembered, { timeout: 120_000, interval: 5000 }).toBe("smoke|COMPLETED|2");
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("leaves nothing behind after `down`, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });
});
