import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPulumi } from "../../engine/select.ts";
import { repository } from "../support/project.ts";
import { Site } from "../support/site.ts";
import { withAgent } from "../support/ssh-agent.ts";
import { describeUnless, hostLacks, pulumiLacks } from "../support/where.ts";

const cli = (await findPulumi()) ?? "pulumi";

/** The example in a project of its own, with ai-how among its packages as `npm install FOLDER` puts it there. */
async function secondProgram(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "second-program-"));
  await cp(join(repository, "docs", "examples", "ssh-config"), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "name": "ssh-config", "type": "module" }\n');
  await mkdir(join(folder, "node_modules"));
  await symlink(repository, join(folder, "node_modules", "ai-how"));
  await symlink(join(repository, "node_modules", "@pulumi"), join(folder, "node_modules", "@pulumi"));
  return folder;
}

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

  it("gives its outputs to a second program, by a StackReference", async () => {
    const folder = await secondProgram();
    try {
      const pulumi = async (...args: string[]): Promise<string> => {
        const said = await site.launch(cli, ["-C", folder, ...args, "--non-interactive"]).ended;
        expect(said.exitCode, said.output).toBe(0);
        return said.stdout;
      };
      await pulumi("stack", "init", "test");
      await pulumi("config", "set", "site", `organization/ai-how/${site.stack}`);
      await pulumi("up", "--yes", "--skip-preview");
      const { machines, slurm } = await site.outputs();
      const made = JSON.parse(await pulumi("stack", "output", "--json")) as Record<string, string>;
      expect(made.submitOn).toBe(slurm?.controller);
      expect(made.knownHosts?.trim().split("\n")).toEqual(
        machines.map(({ name, hostKey }) => `${name} ${hostKey}`),
      );

      // ssh itself reads what it made, and gets in.
      const files = { config: join(folder, "config"), knownHosts: join(folder, "known_hosts") };
      await writeFile(files.config, made.sshConfig ?? "");
      await writeFile(files.knownHosts, made.knownHosts ?? "");
      const said = await withAgent(await site.secretOutput("adminPrivateKey"), (socket) => {
        const options = [
          "-F",
          files.config,
          "-o",
          `UserKnownHostsFile=${files.knownHosts}`,
          "-o",
          "BatchMode=yes",
        ];
        return site.launch("ssh", [...options, "compute-01", "hostname"], { env: { SSH_AUTH_SOCK: socket } })
          .ended;
      });
      expect(said.stdout).toBe("cli-compute-01");
      await pulumi("destroy", "--yes", "--skip-preview");
    } finally {
      await rm(folder, { recursive: true });
    }
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
