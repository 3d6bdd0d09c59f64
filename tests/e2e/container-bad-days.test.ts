import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

// What a job does whose node dies is tested on VMs: SLURM tells a new boot by the kernel, which containers share.
describeUnless(await hostLacks(), "a container stack that something happens to behind our back", () => {
  const site = new Site("drift", { machines: "container", computeNodes: 2 });
  const victim = "drift-compute-01";
  const others = async (): Promise<Record<string, string>> => {
    const { [victim]: _victim, ...rest } = await site.boots();
    return rest;
  };

  it("comes up", async () => {
    await site.succeed("up");
    expect(site.runningMachines()).toHaveLength(3);
  });

  it("says that a machine was killed, and `up` starts that one only", async () => {
    const before = await others();
    process.kill(site.leader(victim), "SIGKILL");
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toEqual([`changed outside Container ${victim}-container`]);
    expect(refresh.output).toContain("running: true -> false");

    const up = await site.succeed("up");
    expect(done(up.output)).toEqual([`updated Container ${victim}-container`]);
    expect(await others()).toEqual(before);
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    await expect
      .poll(() => site.on("controller", "srun -N2 hostname | sort | head -n1"), { timeout: 60_000 })
      .toBe(victim);
  });

  it("says that a machine's directory was removed, and `up` makes that one anew", async () => {
    const before = await others();
    await rm(join(site.places.containers, victim), { recursive: true, force: true });
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toEqual([`gone Container ${victim}-container`]);

    const up = await site.succeed("up");
    expect(done(up.output)).toEqual([
      `created Container ${victim}-container`,
      "replaced Command drift-configuration-run",
      "replaced Command drift-smoke-job",
      `updated SshReady ${victim}-ready`,
    ]);
    // The same sentences as in the run before, which a secret went into, are no secrets.
    expect(up.output).not.toContain("[secret]");
    expect(up.output).toMatch(/recap drift-compute-02 ok=\d+ changed=0/);
    expect(await others()).toEqual(before);
    expect((await site.outputs()).slurm?.smokeJob).toMatchObject({ nodes: site.machines.slice(1) });
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("takes it as its own when a machine was stopped from inside", async () => {
    const before = await others();
    await site.ssh("compute-01", "sudo poweroff");
    await expect.poll(() => site.runningMachines(), { timeout: 30_000 }).not.toContain(victim);
    expect(done((await site.succeed("up")).output)).toContain(`updated Container ${victim}-container`);
    expect(await others()).toEqual(before);
  });

  it("is brought back as a whole when its namespace and all in it are gone", async () => {
    const init = /process (\d+): unshare --pid/.exec(site.leftovers().join("\n"))?.[1];
    for (const machine of site.machines) process.kill(site.leader(machine), "SIGKILL");
    process.kill(Number(init), "SIGKILL");
    await execa("ip", ["netns", "delete", site.places.namespace]);
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toContain("changed outside Sandbox drift-sandbox-host");
    await site.succeed("up");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    expect((await site.on("controller", "srun -N2 hostname")).split("\n").sort()).toEqual(
      site.machines.slice(1),
    );
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("leaves nothing behind after all that, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    await rm(join(site.places.containers, victim), { recursive: true, force: true });
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });
});
