import { expect, it } from "vitest";
import { lacks } from "../required.ts";
import type { Said } from "../support/command.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await lacks("Pulumi's CLI"));

// Pulumi's own commands, with ai-how in between on the same state. Each test goes on where the one before ended.
describeUnless(lacking, "virtual machines by Pulumi's own engine", () => {
  const migProfiles = ["3g.40gb", "1g.10gb", "1g.10gb"];
  const site = new Site("pulumivm", { machines: "vm", computeNodes: 1, engine: "pulumi", migProfiles });
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

  it("let a job open the GPUs that it was given and no other, where there are devices", async () => {
    const folder = "/var/lib/ai-how/pretended-gpu";
    // Device nodes in the place of the files of pretended GPUs: virtual terminals, which nothing uses here. The health check, which
    // would miss the files, has no plan to compare them with.
    await site.on(
      "compute-01",
      `sudo mv /etc/ai-how/pretended-gpus /etc/ai-how/no-plan && cd ${folder} && n=40 && for f in *; do sudo rm $f && sudo mknod -m 666 $f c 4 $n && n=$((n+1)); done && ` +
        "sudo systemctl restart slurmd",
    );
    const opened = async (gres: string): Promise<number> => {
      const all = `cd ${folder}; for f in *; do (: <$f) 2>/dev/null && echo $f; done; true`;
      const said = await site.on("controller", `srun --immediate=120 ${gres} sh -c '${all}'`);
      return said.split("\n").filter(Boolean).length;
    };
    expect(await opened("--gres=gpu:1g.10gb:1")).toBe(1);
    expect(await opened("--gres=gpu:1g.10gb:2")).toBe(2);
    expect(await opened("")).toBe(0);
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
