import { expect, it } from "vitest";
import { lacks } from "../required.ts";
import { Workstation } from "../support/workstation.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await lacks("Pulumi's CLI"));

// Pulumi's own commands on a host as the distribution ships it, with ai-how in between. Each test goes on where the one before ended.
describeUnless(lacking, "a workstation by Pulumi's own engine", () => {
  const site = new Workstation("wkpu", "pulumi");
  const { host, hpc, cloud } = site;

  it("is previewed by `pulumi preview` and `ai-how preview`, with nothing made", async () => {
    await site.pulumi("stack", "init");
    expect((await site.pulumi("preview")).stdout).toMatch(
      /libvirt:index:Domain\s+wkpu-compute-01-domain\s+create/,
    );
    expect((await site.succeed("preview")).stdout).toMatch(/\+ +Domain wkpu-compute-01-domain/);
    expect((await site.libvirt()).domains).toEqual([]);
  });

  it("comes up by `pulumi up`, runs a job, and has a cloud VM that answers", async () => {
    await site.pulumi("up", "--yes", "--skip-preview");
    expect(await site.on("controller", "srun -N1 hostname")).toBe("wkpu-compute-01");
    expect(await site.on("control-plane", "hostname")).toBe(`${cloud}-control-plane`);
  });

  it("has nothing to do for a second `pulumi up` and `ai-how up`", async () => {
    await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("keeps its disks, and its machines running, when all images are others", async () => {
    await site.on("compute-01", "echo work > ~/work && sync");
    const before = await site.boots("controller", "compute-01");
    await site.makeImage("another");
    await site.pulumi("up", "--yes", "--skip-preview");
    expect(await site.boots("controller", "compute-01")).toEqual(before);
    expect(await site.on("compute-01", "cat ~/work")).toBe("work");
  });

  it("shows by `pulumi refresh` what happened to it, and `ai-how up` brings that back", async () => {
    await host.virsh("destroy", `${hpc}-compute-01`);
    expect((await site.pulumi("refresh", "--yes", "--skip-preview")).stdout).toMatch(
      /wkpu-compute-01-domain\s+updated/,
    );
    await site.succeed("up");
    expect(await site.on("controller", "srun --immediate=180 -N1 hostname")).toBe("wkpu-compute-01");
  });

  it("leaves nothing of its own after `pulumi destroy`", async () => {
    await site.pulumi("destroy", "--yes", "--skip-preview");
    expect(await site.libvirt()).toEqual({ domains: [], networks: ["default"], pools: [] });
  });
});
