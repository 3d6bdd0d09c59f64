import { expect, it } from "vitest";
import { lacks } from "../required.ts";
import type { Said } from "../support/command.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await lacks("Pulumi's CLI"));

// Pulumi's own commands, with ai-how in between on the same state. Each test goes on where the one before ended.
describeUnless(lacking, "virtual machines by Pulumi's own engine", () => {
  const site = new Site("pulumivm", { machines: "vm", computeNodes: 1, engine: "pulumi" });
  const pulumi = async (...args: string[]): Promise<Said> => {
    const said = await site.pulumi(...args);
    expect(said.exitCode, said.output).toBe(0);
    return said;
  };

  it("are previewed by `pulumi preview` and `ai-how preview`, with nothing made", async () => {
    await pulumi("stack", "init");
    expect((await pulumi("preview")).output).toMatch(
      /libvirt:index:Domain\s+pulumivm-compute-01-domain\s+create/,
    );
    expect((await site.succeed("preview")).output).toMatch(/\+ +Domain pulumivm-compute-01-domain/);
    expect(site.runningMachines()).toEqual([]);
  });

  it("come up by `pulumi up` to a finished job", async () => {
    await pulumi("up", "--yes", "--skip-preview");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
    expect(await site.outputs()).toMatchObject({
      machines: [{ kind: "vm" }, { kind: "vm" }],
      slurm: { smokeJob: { nodes: ["pulumivm-compute-01"], state: "COMPLETED" } },
    });
  });

  it("have nothing to do for a second `pulumi up` and `ai-how up`", async () => {
    await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("come back by `up` after a refresh has seen that one died", async () => {
    await site.virsh("destroy", "pulumivm-compute-01");
    expect((await pulumi("refresh", "--yes", "--skip-preview")).output).toMatch(
      /pulumivm-compute-01-domain\s+updated/,
    );
    await site.succeed("up");
    expect(await site.on("controller", "srun --immediate=180 -N1 hostname")).toBe("pulumivm-compute-01");
  });

  it("are gone without a trace after `pulumi destroy`", async () => {
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(site.leftovers()).toEqual([]);
  });
});
