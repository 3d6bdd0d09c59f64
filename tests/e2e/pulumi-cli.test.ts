import { expect, it } from "vitest";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks, pulumiLacks } from "../support/where.ts";

describeUnless((await hostLacks()) ?? (await pulumiLacks()), "Pulumi's own CLI, without ai-how", () => {
  const site = new Site("cli", { machines: "container", computeNodes: 2, engine: "pulumi" });

  it("previews the program, which keeps to the policies", async () => {
    expect(await site.pulumi("stack", "init")).toMatchObject({ exitCode: 0 });
    const preview = await site.pulumi("preview", "--policy-pack", "policy");
    expect(preview).toMatchObject({ exitCode: 0 });
    expect(preview.output).toContain("✅ ai-how@");
    expect(preview.output).toMatch(/host:index:Container\s+cli-compute-02-container\s+create/);
    expect(preview.output).toMatch(/\+ \d+ to create/);
    expect(site.runningMachines()).toEqual([]);
  });

  it("brings the stack up, and the second time has nothing to do", async () => {
    const up = await site.pulumi("up", "--yes", "--skip-preview", "--policy-pack", "policy");
    expect(up.exitCode, up.output).toBe(0);
    expect(up.output).toContain("✅ ai-how@");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    expect(await site.on("controller", "sacct -nPX -j 1 -o JobName,State")).toBe("smoke|COMPLETED");

    const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    expect(again.exitCode, again.output).toBe(0);
  });

  it("has the outputs that ai-how shows, the key among them hidden", async () => {
    const { adminPrivateKey, ...outputs } = JSON.parse(
      (await site.pulumi("stack", "output", "--json")).stdout,
    ) as Record<string, unknown>;
    expect(adminPrivateKey).toBe("[secret]");
    expect(outputs).toEqual(await site.outputs());
  });

  it("sees by `refresh` that a machine was killed, and `up` starts that one only", async () => {
    const leaders = site.machines.map((machine) => site.leader(machine));
    process.kill(site.leader("cli-compute-01"), "SIGKILL");
    const refresh = await site.pulumi("refresh", "--yes", "--skip-preview");
    expect(refresh.exitCode, refresh.output).toBe(0);
    expect(refresh.output).toMatch(/cli-compute-01-container\s+updated/);
    const up = await site.pulumi("up", "--yes", "--skip-preview");
    expect(up.exitCode, up.output).toBe(0);
    expect(up.output).toMatch(/~ 1 updated/);
    expect(site.machines.map((machine) => site.leader(machine))).toEqual([
      leaders[0],
      expect.not.toSatisfy((pid: unknown) => pid === leaders[1]),
      leaders[2],
    ]);
  });

  it("is driven by ai-how on the same state, which has nothing to change", async () => {
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("destroys it all, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    const destroy = await site.pulumi("destroy", "--yes", "--skip-preview");
    expect(destroy.exitCode, destroy.output).toBe(0);
    expect(site.leftovers()).toEqual([]);
  });
});
