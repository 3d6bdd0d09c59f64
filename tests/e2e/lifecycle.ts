import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { fetchCommand, smallPackage } from "../support/package.ts";
import { Site } from "../support/site.ts";
import { describeUnless } from "../support/where.ts";
import { shownSecrets } from "../support/shown-secrets.ts";
import { faultsOfTree } from "../support/tree.ts";

interface Lifecycle {
  readonly engine: "in-process" | "pulumi";
  readonly name: string;
  /** Why it cannot run here. */
  readonly lacking: string | undefined;
  /** How it first comes up, and how it goes; by ai-how's commands of these names by default. */
  readonly up?: (site: Site) => Promise<unknown>;
  readonly down?: (site: Site) => Promise<unknown>;
  /** Tests of what the other engine needs no test of, while all machines run; they may leave compute-02 off. */
  readonly more?: (site: Site, nodes: readonly string[]) => void;
}

/** Everything that is done with a stack, by either engine: a file each, as they run beside each other. */
export function lifecycle({ engine, name, lacking, more, ...by }: Lifecycle): void {
  describeUnless(lacking, `a container stack by the engine ${engine}`, () => {
    const hostFolder = import.meta.dirname;
    const site = new Site(name, { machines: "container", computeNodes: 2, engine, hostFolder });
    const { up, down } = { up: () => site.succeed("up"), down: () => site.succeed("down"), ...by };
    const nodes = [`${name}-compute-01`, `${name}-compute-02`];

    it("has no outputs and nothing to take down before it is there, and asking makes nothing", async () => {
      const configuration = readFileSync(site.configuration, "utf8");
      const outputs = await site.run("outputs");
      expect(outputs.exitCode).toBe(1);
      expect(outputs.output).toContain(`run \`ai-how up ${site.stack}\` first`);
      await site.succeed("refresh");
      await site.succeed("down");
      expect(readFileSync(site.configuration, "utf8")).toBe(configuration);
      expect(site.leftovers()).toEqual([]);
    });

    it("is previewed with nothing made", async () => {
      const preview = await site.succeed("preview");
      expect(preview.output).toMatch(new RegExp(`\\+ +Container ${name}-compute-02-container`));
      expect(preview.output).toMatch(/\+ \d+ to create; 0 unchanged/);
      expect(site.leftovers().filter((line) => !line.startsWith(".ai-how"))).toEqual([]);
    });

    it("comes up from its cluster file to a finished job, which the outputs name", async () => {
      await up(site);
      expect(await site.outputs()).toMatchObject({
        version: 1,
        target: "dev",
        site: name,
        machines: [
          { shortName: "controller", role: "controller", kind: "container" },
          { shortName: "compute-01", role: "compute", kind: "container" },
          { shortName: "compute-02", role: "compute", kind: "container" },
        ],
        virtualization: { type: "container" },
        slurm: {
          controller: "controller",
          partitions: ["compute"],
          nodes,
          scratch: "/scratch",
          smokeJob: { jobId: 1, nodes, state: "COMPLETED" },
        },
      });
      expect(site.runningMachines()).toEqual([...site.machines].sort());
    });

    it("is a tree of components, and shows no secret in any of their inputs and outputs", async () => {
      const state = await site.state();
      expect(faultsOfTree(state)).toEqual([]);
      expect(shownSecrets(state)).toEqual([]);
    });

    it("prints its outputs for people without a secret one", async () => {
      const said = await site.succeed("outputs");
      expect(said.stdout).toContain(`site: ${name}\n`);
      expect(said.stdout).not.toMatch(/adminPrivateKey|PRIVATE KEY/);
    });

    it("has no changes at the second `up`", async () => {
      const second = await site.succeed("up");
      expect(second.output).toContain("no changes");
      expect(done(second.output)).toEqual([]);
    });

    it("runs commands on its machines by `ssh`, and passes their exit code on", async () => {
      expect((await site.on("controller", "srun -N2 hostname")).split("\n").sort()).toEqual(nodes);
      expect(await site.ssh("compute-01", "exit 7")).toMatchObject({ exitCode: 7 });
      expect(await site.ssh(`${name}-compute-01`, "hostname")).toMatchObject({
        stdout: nodes[0],
        exitCode: 0,
      });
      const unknown = await site.ssh("compute-09", "true");
      expect(unknown.exitCode).toBe(2);
      expect(unknown.output).toContain("it has controller, compute-01, compute-02");
    });

    it("has machines that fetch a package from outside", async () => {
      const found = await smallPackage();
      expect(await site.on("compute-01", fetchCommand(found))).toBe(found.sha256);
    });

    more?.(site, nodes);

    it("is stopped and started as a whole, one machine being off already, and remembers its jobs", async () => {
      await site.succeed("stop", "--machine", "compute-02");
      expect(site.runningMachines()).toEqual([nodes[0], `${name}-controller`]);
      await site.succeed("stop");
      expect(site.runningMachines()).toEqual([]);
      await site.succeed("start");
      expect(await site.run("status")).toMatchObject({ exitCode: 0 });
      expect(await site.on("controller", "sacct -nPX -j 1 -o JobName,State")).toBe("smoke|COMPLETED");
      expect((await site.on("controller", "srun -N2 hostname")).split("\n").sort()).toEqual(nodes);
    });

    it("gets one more compute node, and changes only that and the configuration", async () => {
      const before = await site.boots();
      await site.write(3);
      const up = await site.succeed("up");
      expect(await site.boots()).toMatchObject(before);
      expect(done(up.output).filter((line) => !line.includes(`${name}-compute-03`))).toEqual([
        `replaced Command ${name}-configuration-run`,
        `replaced Command ${name}-smoke-job`,
        // The network has a lease for the new node.
        `updated Network ${name}-network-network`,
      ]);
      expect((await site.outputs()).slurm?.smokeJob?.nodes).toEqual([...nodes, `${name}-compute-03`]);
    });

    it("loses that node again, and no other", async () => {
      await site.write(2);
      const before = await site.boots();
      await site.succeed("up");
      expect(await site.boots()).toEqual(before);
      expect(site.runningMachines()).toEqual([...site.machines].sort());
      expect((await site.on("controller", "sinfo -hN -o %N")).split("\n")).toEqual(nodes);
    });

    it("is found by what looks for leftovers, and has shown no secret", async () => {
      const found = site.leftovers().join("\n");
      for (const trace of [
        "systemd-nspawn",
        "libvirtd",
        "mount /run/netns",
        "control group",
        "/var/lib/ai-how/",
      ])
        expect(found).toContain(trace);
      expect(await site.leaks()).toEqual([]);
    });

    it("leaves nothing behind after `down`, and nothing to do for another one", async () => {
      await down(site);
      expect(site.leftovers()).toEqual([]);
      await site.succeed("down");
      expect((await site.run("outputs")).output).toContain(`run \`ai-how up ${site.stack}\` first`);
    });
  });
}
