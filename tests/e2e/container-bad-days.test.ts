import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { processes } from "../support/processes.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const moments = {
  boot: { moment: "while machines boot", said: /booting baddays-compute-02/ },
  ansible: { moment: "while Ansible runs", said: /The markers of the image/ },
};

// One cluster serves all tests of this file. What a job does whose node dies is tested on VMs: SLURM tells a new boot by the
// kernel, which containers share.
describeUnless(await hostLacks(), "a container stack", () => {
  const site = new Site("baddays", { machines: "container", computeNodes: 2 });
  const victim = "baddays-compute-01";
  const others = async (): Promise<Record<string, string>> => {
    const { [victim]: _victim, ...rest } = await site.boots();
    return rest;
  };

  async function killedUp({ said }: { readonly said: RegExp }): Promise<void> {
    const up = site.start("up");
    await up.until(said);
    expect(await up.kill()).toMatchObject({ signal: "SIGKILL" });
  }

  async function isFinishedAfterKilled(moment: { readonly said: RegExp }): Promise<void> {
    await killedUp(moment);
    await site.succeed("up");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    expect(new Set(site.resources()).size).toBe(site.resources().length);
    expect(site.resources().filter((urn) => urn.startsWith("begun"))).toEqual([]);
    expect(await site.outputs()).toMatchObject({
      slurm: { smokeJob: { nodes: site.machines.slice(1), state: "COMPLETED" } },
    });
    expect((await site.succeed("up")).output).toContain("no changes");
    expect(await site.leaks()).toEqual([]);
  }

  it("whose `up` is killed with SIGKILL while Ansible runs is finished by the next one, with nothing doubled", () =>
    isFinishedAfterKilled(moments.ansible));

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
      "replaced Command baddays-configuration-run",
      "replaced Command baddays-smoke-job",
      `updated SshReady ${victim}-ready`,
    ]);
    // The same sentences as in the run before, which a secret went into, are no secrets.
    expect(up.output).not.toContain("[secret]");
    expect(up.output).toMatch(/recap baddays-compute-02 ok=\d+ changed=0/);
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
    const init = processes().find(
      ({ arguments: [program, ...args] }) => program === "unshare" && args.includes(site.places.state),
    );
    for (const machine of site.machines) process.kill(site.leader(machine), "SIGKILL");
    process.kill(init?.pid ?? Number.NaN, "SIGKILL");
    await execa("ip", ["netns", "delete", site.places.namespace]);
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toContain("changed outside Sandbox baddays-sandbox-host");
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

  it("whose `up` is killed with SIGKILL while machines boot is finished, too, and forgotten by `down`", async () => {
    await isFinishedAfterKilled(moments.boot);
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });

  it.each(Object.values(moments))("whose `up` is killed $moment is removed by `down`", async (moment) => {
    await killedUp(moment);
    await site.succeed("down");
    await expect.poll(() => site.leftovers(), { timeout: 5000 }).toEqual([]);
    expect(await site.leaks()).toEqual([]);
  });
});
