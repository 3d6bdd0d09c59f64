import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { text } from "node:stream/consumers";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "./stage.ts";

const stage = new Stage("slurm", ["controller", "compute01", "compute02"]);
const slurm = { firsts: ["slurm_controller"], others: ["slurm_compute"] };
const cluster = { firsts: ["slurm_controller", "nfs_server"], others: ["slurm_compute", "nfs_clients"] };
const smokeJob = resolve(import.meta.dirname, "../../../ansible/files/smoke-job.sh");
const mungeKey = "not-a-real-key-0123456789-abcdefghijklmnop";
const node = (name: string) => ({ NodeName: name, CPUs: 2, RealMemory: 500, State: "UNKNOWN" });
const variables = {
  slurm_munge_key: mungeKey,
  slurm_config: { ClusterName: "trial", SchedulerParameters: "batch_sched_delay=1" },
  slurm_nodes: ["compute01", "compute02"].map(node),
  slurm_partitions: [
    { PartitionName: "main", Nodes: "ALL", Default: "YES", MaxTime: "01:00:00", State: "UP" },
  ],
  slurm_accounts: [{ name: "research", description: "Research" }],
};

describeUnless(unavailable, "role slurm", () => {
  it("refuses invalid arguments by its argument specification, before it changes anything", async () => {
    const { slurm_munge_key: _key, ...incomplete } = variables;
    const missing = await stage.play(slurm, incomplete);
    expect(missing.exitCode).not.toBe(0);
    expect(missing.output).toContain("missing required arguments: slurm_munge_key");
    const wrong = await stage.play(slurm, { ...variables, node_kind: "mainframe" });
    expect(wrong.output).toContain(
      "value of slurm_node_kind must be one of: container, vm, host, got: mainframe",
    );
    await expect(stage.on("controller", "test -e /etc/slurm/slurm.conf")).rejects.toThrow();
  });

  it("converges, and a second run changes nothing, with Mitogen and with plain Ansible", async () => {
    const first = await stage.play(cluster, variables);
    expect(first.output).toMatch(/^recap controller ok=\d+ changed=[1-9]\d* failed=0 unreachable=0$/m);
    expect(first.exitCode).toBe(0);
    expect(first.output).not.toContain(mungeKey);
    for (const strategy of ["mitogen_linear", "linear"]) {
      const again = await stage.play(cluster, variables, { AI_HOW_STRATEGY: strategy });
      expect(again.output).toContain("slurm : SLURM runs ... ok=3 (");
      expect(again).toMatchObject({ exitCode: 0, changed: 0 });
    }
  });

  it("keeps the munge key for munge alone", async () => {
    expect(await stage.on("compute01", "sudo stat -c '%a %U' /etc/munge/munge.key")).toBe("400 munge");
    expect(await stage.on("compute01", "sudo journalctl --no-pager")).not.toContain(mungeKey);
  });

  it("drains a node for what another role's check prints, or when that fails, and brings it back", async () => {
    const check = "/usr/local/sbin/check-trial";
    const script =
      "#!/bin/sh\ncat /var/tmp/away 2>/dev/null || exit $(cat /var/tmp/code 2>/dev/null || echo 0)\n";
    for (const name of ["compute01", "compute02"])
      await stage.on(name, `sudo tee ${check} >/dev/null && sudo chmod 755 ${check}`, script);
    const slurm_config = { ...variables.slurm_config, HealthCheckInterval: 2 };
    const checks = { ...variables, slurm_config, slurm_health_checks: [check] };
    expect(await stage.play(cluster, checks)).toMatchObject({ exitCode: 0 });
    expect(await stage.play(cluster, checks)).toMatchObject({ exitCode: 0, changed: 0 });
    const state = () => stage.on("controller", "sinfo -hN -n compute02 -o '%T %E'");
    await expect.poll(state, { timeout: 20_000 }).toBe("idle none");
    for (const [change, reason] of [
      ["echo 'storage is away' >/var/tmp/away", "storage is away"],
      ["rm /var/tmp/away; echo 3 >/var/tmp/code", `${check} failed`],
    ] as const) {
      await stage.on("compute02", `sudo sh -c "${change}"`);
      await expect.poll(state, { timeout: 30_000 }).toBe(`drained ai-how: ${reason}`);
    }
    await stage.on("compute02", "sudo rm /var/tmp/code");
    await expect.poll(state, { timeout: 30_000 }).toBe("idle none");
    expect(await stage.play(cluster, variables)).toMatchObject({ exitCode: 0 });
    expect(await stage.on("compute02", "ls /etc/ai-how")).not.toContain("health-checks");
  });

  it("runs the smoke job on both nodes, and accounting remembers it", async () => {
    const said = await stage.on("controller", "bash -s -- 2", await text(createReadStream(smokeJob)));
    const result = JSON.parse(said) as { jobId: number };
    expect(result).toMatchObject({ nodes: ["compute01", "compute02"], state: "COMPLETED" });
    expect(await stage.on("controller", `sacct -nPX -j ${result.jobId} -o State,NNodes`)).toBe("COMPLETED|2");
    expect(await stage.on("controller", "sacctmgr -nP show account research format=Account,Descr")).toBe(
      "research|research",
    );
  });

  it("runs every task of an array job", async () => {
    const id = await stage.on(
      "controller",
      "sbatch --parsable --wait --array=1-4 --output=/scratch/array-%a.out --wrap 'echo task $SLURM_ARRAY_TASK_ID'",
    );
    expect(await stage.on("controller", "cat /scratch/array-*.out")).toBe("task 1\ntask 2\ntask 3\ntask 4");
    expect(id).toMatch(/^\d+$/);
  });

  it("takes in a new node without ending a job that runs", async () => {
    const id = await stage.on(
      "controller",
      "sbatch --parsable --nodelist=compute01 --output=/dev/null --wrap 'sleep 300'",
    );
    await expect
      .poll(() => stage.on("controller", `squeue -h -j ${id} -o %T`), { timeout: 10_000 })
      .toBe("RUNNING");
    const before = await stage.on("controller", `scontrol show job ${id} | grep -o 'StartTime=[^ ]*'`);
    await stage.add("compute03");
    const grown = { ...variables, slurm_nodes: [...variables.slurm_nodes, { NodeName: "compute03" }] };
    // What slurmd finds stands in for what the node's line does not say.
    expect((await stage.play(cluster, grown)).exitCode).toBe(0);
    expect(await stage.on("controller", "srun -N1 -w compute03 hostname </dev/null")).toBe("compute03");
    expect(await stage.on("controller", `scontrol show job ${id} | grep -o 'StartTime=[^ ]*'`)).toBe(before);
    expect(await stage.on("controller", `squeue -h -j ${id} -o '%T %r'`)).toBe("RUNNING None");
    await stage.on("controller", `scancel ${id}`);
    expect(await stage.on("controller", "grep NodeName=compute03 /etc/slurm/slurm.conf")).toMatch(
      /^NodeName=compute03 CPUs=\d+ RealMemory=\d{3,}$/,
    );
  });

  it("remembers jobs when the controller boots again, and finds its nodes", async () => {
    const jobs = await stage.on("controller", "sacct -nPX -o JobID");
    const controller = stage.node("controller");
    const running = controller.made.inputs;
    controller.made = await controller.resource.update(controller.made, { ...running, running: false });
    controller.made = await controller.resource.update(controller.made, running);
    await expect
      .poll(() => stage.on("controller", "srun -N2 hostname </dev/null | sort"), {
        timeout: 60_000,
        interval: 1000,
      })
      .toMatch(/^compute/);
    expect(await stage.on("controller", "sacct -nPX -o JobID")).toContain(jobs);
  });
});
