import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPulumi, lacks } from "../required.ts";
import type { Said } from "../support/command.ts";
import { repository } from "../support/project.ts";
import { usePulumi } from "../support/pulumi.ts";
import type { Site } from "../support/site.ts";
import { withAgent } from "../support/ssh-agent.ts";
import { hostLacks } from "../support/where.ts";
import { lifecycle } from "./lifecycle.ts";

const cli = await usePulumi();

// What comes up by Pulumi's own command and ends by it is driven by ai-how in between, on the same state.
lifecycle({
  engine: "pulumi",
  name: "bypulumi",
  lacking: (await hostLacks()) ?? (await lacks("Pulumi's CLI")),
  up,
  down: (site) => pulumi(site, "destroy", "--yes", "--skip-preview"),
  more: withoutAiHow,
});

/** Pulumi's own command, which has to succeed. */
async function pulumi(site: Site, ...args: string[]): Promise<Said> {
  const said = await site.pulumi(...args);
  expect(said.exitCode, said.output).toBe(0);
  return said;
}

async function up(site: Site): Promise<void> {
  const { runsPacks } = await findPulumi();
  const pack = runsPacks ? ["--policy-pack", "policy"] : [];
  const preview = await pulumi(site, "preview", ...pack);
  if (runsPacks) expect(preview.output).toContain("✅ ai-how@");
  expect(preview.output).toMatch(/host:index:Container\s+bypulumi-compute-02-container\s+create/);
  expect(preview.output).toMatch(/\+ \d+ to create/);
  expect(site.runningMachines()).toEqual([]);

  const made = await pulumi(site, "up", "--yes", "--skip-preview", ...pack);
  if (runsPacks) expect(made.output).toContain("✅ ai-how@");
}

function withoutAiHow(site: Site): void {
  it("has nothing to do for a second `pulumi up`", async () => {
    await pulumi(site, "up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  it("has the outputs that ai-how shows by `pulumi stack output`, the key among them hidden", async () => {
    const { adminPrivateKey, ...outputs } = JSON.parse(
      (await pulumi(site, "stack", "output", "--json")).stdout,
    ) as Record<string, unknown>;
    expect(adminPrivateKey).toBe("[secret]");
    expect(outputs).toEqual(await site.outputs());
  });

  it("gives its outputs to a second program, by a StackReference", async () => {
    const folder = await secondProgram();
    try {
      const second = async (...args: string[]): Promise<string> => {
        const said = await site.launch(cli, ["-C", folder, ...args, "--non-interactive"]).ended;
        expect(said.exitCode, said.output).toBe(0);
        return said.stdout;
      };
      await second("stack", "init", "test");
      await second("config", "set", "site", `organization/ai-how/${site.stack}`);
      await second("up", "--yes", "--skip-preview");
      const { machines, slurm } = await site.outputs();
      const made = JSON.parse(await second("stack", "output", "--json")) as Record<string, string>;
      expect(made.submitOn).toBe(slurm?.controller);
      expect(made.knownHosts?.trim().split("\n")).toEqual(
        machines.map(({ name, hostKey }) => `${name} ${hostKey}`),
      );

      // ssh itself reads what it made, and gets in.
      const files = { config: join(folder, "config"), knownHosts: join(folder, "known_hosts") };
      await writeFile(files.config, made.sshConfig ?? "");
      await writeFile(files.knownHosts, made.knownHosts ?? "");
      const said = await withAgent(await site.secretOutput("adminPrivateKey"), (socket) => {
        const options = ["-F", files.config, "-o", `UserKnownHostsFile=${files.knownHosts}`];
        const args = [...options, "-o", "BatchMode=yes", "compute-01", "hostname"];
        return site.launch("ssh", args, { env: { SSH_AUTH_SOCK: socket } }).ended;
      });
      expect(said.stdout).toBe("bypulumi-compute-01");
      await second("destroy", "--yes", "--skip-preview");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("sees by `pulumi refresh` that a machine was killed, and `pulumi up` starts that one only", async () => {
    const leaders = site.machines.map((machine) => site.leader(machine));
    process.kill(site.leader("bypulumi-compute-01"), "SIGKILL");
    const refresh = await pulumi(site, "refresh", "--yes", "--skip-preview");
    expect(refresh.output).toMatch(/bypulumi-compute-01-container\s+updated/);
    const repair = await pulumi(site, "up", "--yes", "--skip-preview");
    expect(repair.output).toMatch(/~ 1 updated/);
    expect(site.machines.map((machine) => site.leader(machine))).toEqual([
      leaders[0],
      expect.not.toSatisfy((pid: unknown) => pid === leaders[1]),
      leaders[2],
    ]);
  });
}

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
