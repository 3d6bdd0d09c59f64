import { describe, expect, it } from "vitest";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const moments = [
  { moment: "while machines boot", said: /booting killed-compute-02/ },
  { moment: "while Ansible runs", said: /What the image brought/ },
];

describeUnless(await hostLacks(), "`up` of a container stack that is killed with SIGKILL", () => {
  const site = new Site("killed", { machines: "container", computeNodes: 2 });

  describe.each(moments)("$moment", ({ said }) => {
    it("leaves what the next `up` finishes, with nothing doubled", async () => {
      const up = site.start("up");
      await up.until(said);
      expect(await up.kill()).toMatchObject({ signal: "SIGKILL" });

      await site.succeed("up");
      expect(site.runningMachines()).toEqual([...site.machines].sort());
      expect(new Set(site.resources()).size).toBe(site.resources().length);
      expect(site.resources().filter((urn) => urn.startsWith("begun"))).toEqual([]);
      expect(await site.outputs()).toMatchObject({
        slurm: { smokeJob: { nodes: site.machines.slice(1), state: "COMPLETED" } },
      });
      expect((await site.succeed("up")).output).toContain("no changes");
      expect(await site.leaks()).toEqual([]);
    });

    it("is forgotten by `down`", async () => {
      await site.succeed("down");
      expect(site.leftovers()).toEqual([]);
    });

    it("leaves what `down` removes", async () => {
      const up = site.start("up");
      await up.until(said);
      await up.kill();
      await site.succeed("down");
      await expect.poll(() => site.leftovers(), { timeout: 5000 }).toEqual([]);
      expect(await site.leaks()).toEqual([]);
    });
  });
});
