import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { done } from "../support/display.ts";
import { repository } from "../support/project.ts";
import type { Site } from "../support/site.ts";
import { withAgent } from "../support/ssh-agent.ts";
import { hostLacks } from "../support/where.ts";
import { lifecycle } from "./lifecycle.ts";

lifecycle({ engine: "in-process", name: "inproc", lacking: await hostLacks(), more: whatItIsFor });

function whatItIsFor(site: Site, nodes: readonly string[]): void {
  it("shares its scratch folder", async () => {
    await site.on("compute-01", "echo shared > /scratch/file");
    expect(await site.on("compute-02", "cat /scratch/file")).toBe("shared");
  });

  it("lets a program that knows nothing but its outputs submit a job", async () => {
    const outputs = JSON.stringify(await site.outputs());
    const said = await withAgent(await site.secretOutput("adminPrivateKey"), (socket) => {
      const args = [
        join(repository, "docs/examples/submit-job.ts"),
        "--nodes",
        "2",
        "srun hostname; echo 'it''s'",
      ];
      return site.launch(process.execPath, args, { input: outputs, env: { SSH_AUTH_SOCK: socket } }).ended;
    });
    expect(said, said.output).toMatchObject({ exitCode: 0 });
    const job = JSON.parse(said.stdout) as { jobId: number; state: string; output: string };
    expect(job.jobId).toBeGreaterThan(1);
    expect(job.state).toBe("COMPLETED");
    expect(job.output.trim().split("\n").sort()).toEqual([...nodes, "its"]);
    expect(await site.on("controller", "ls /scratch")).not.toContain("job-");
  });

  it("tells a job that fails from one that is completed, to that program as well", async () => {
    const file = site.clusterFile.replace("cluster.yaml", "outputs.json");
    await writeFile(file, JSON.stringify(await site.outputs()));
    const said = await withAgent(await site.secretOutput("adminPrivateKey"), (socket) => {
      const args = [join(repository, "docs/examples/submit-job.ts"), "--outputs", file, "echo no; exit 3"];
      return site.launch(process.execPath, args, { env: { SSH_AUTH_SOCK: socket } }).ended;
    });
    expect(said.exitCode, said.output).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({ state: "FAILED", output: "no\n" });
  });

  it("shows a folder of the host on the node that asks for it, to read only", async () => {
    expect(await site.on("compute-01", "ls /mnt/host")).toContain("container-lifecycle.test.ts");
    expect(await site.ssh("compute-01", "sudo touch /mnt/host/new")).toMatchObject({ exitCode: 1 });
  });

  it("says which machines answer, also when one was stopped, and starts it again", async () => {
    const all = JSON.parse((await site.succeed("status", "--json")).stdout) as unknown;
    expect(all).toMatchObject({
      machines: [
        { name: "controller", answers: true },
        { name: "compute-01", answers: true, slurm: "idle" },
        { name: "compute-02", answers: true, slurm: "idle" },
      ],
    });
    await site.succeed("stop", "--machine", "compute-02");
    expect(site.runningMachines()).toEqual([nodes[0], `${site.cluster}-controller`]);
    const status = await site.run("status");
    expect(status.exitCode).toBe(1);
    expect(status.stdout).toMatch(/compute-01 .* answers/);
    expect(status.stdout).toMatch(/compute-02 .* off\b/);

    const start = await site.succeed("start", "--machine", "compute-02");
    expect(done(start.output).filter((line) => line.startsWith("updated"))).toEqual([
      `updated Container ${site.cluster}-compute-02-container`,
    ]);
    expect(await site.run("status")).toMatchObject({ exitCode: 0 });
  });

  it("says that a machine hangs, and powers it off when told to", async () => {
    await site.on("compute-02", "sudo systemctl stop ssh");
    const stop = await site.run("stop", "--machine", "compute-02");
    expect(stop.exitCode).toBe(1);
    expect(stop.output).toContain(
      `compute-02 runs, but does not answer; see its console, or power it off: ai-how stop ${site.stack} --machine compute-02 --force`,
    );
    expect(site.runningMachines()).toContain(nodes[1]);
    expect((await site.succeed("stop", "--machine", "compute-02", "--force")).stdout).toBe(
      "compute-02 is off",
    );
    expect(site.runningMachines()).not.toContain(nodes[1]);
    // Once more is as good.
    await site.succeed("stop", "--machine", "compute-02");
  });
}
