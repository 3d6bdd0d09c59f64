import { expect, it } from "vitest";
import type { Said } from "../support/command.ts";
import { done } from "../support/display.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

describeUnless(await hostLacks(), "pretended GPUs", () => {
  const profiles = ["3g.40gb", "1g.10gb", "1g.10gb"];
  const site = new Site("gres", {
    machines: "container",
    computeNodes: 1,
    migProfiles: profiles,
    timeSlices: 3,
  });
  const submit = (gres: string, script: string): Promise<string> =>
    site.on("controller", `sbatch --parsable --output=/scratch/%j.out --gres=${gres} --wrap '${script}'`);
  const state = (job: string): Promise<string> =>
    site.on("controller", `squeue --noheader --states=all --job ${job} --format=%T`);

  it("are called pretended wherever they show", async () => {
    const up = await site.succeed("up");
    expect(up.output).toMatch(/\+ \d+ created/);
    const [, compute] = (await site.outputs()).machines;
    expect(compute?.gpus).toEqual([
      { type: "3g.40gb", count: 1, pretended: true },
      { type: "1g.10gb", count: 2, pretended: true },
      { type: "gb10", count: 1, pretended: true },
    ]);
    expect(compute?.shards).toBe(3);
    expect((await site.succeed("status")).output).toContain(
      "1 x 3g.40gb (pretended), 2 x 1g.10gb (pretended), 1 x gb10 (pretended)",
    );
    expect(await site.on("controller", "sinfo -hN -o '%G %f'")).toBe(
      "gpu:3g.40gb:1,gpu:1g.10gb:2,gpu:gb10:1,shard:3g.40gb:0,shard:1g.10gb:0,shard:gb10:3 pretended_gpu",
    );
    expect(await site.on("compute-01", "cat /etc/slurm/gres.conf")).toContain(
      "are pretended: there is no device",
    );
  });

  it("are scheduled: two jobs share one, a third waits for its partition", async () => {
    const [first, second] = [
      await submit("gpu:1g.10gb:1", "sleep 600"),
      await submit("gpu:1g.10gb:1", "sleep 600"),
    ];
    await expect.poll(() => state(first), { timeout: 30_000 }).toBe("RUNNING");
    await expect.poll(() => state(second), { timeout: 30_000 }).toBe("RUNNING");
    const third = await submit("gpu:1g.10gb:2", "echo done");
    expect(await state(third)).toBe("PENDING");
    await site.on("controller", `scancel ${first} ${second}`);
    await expect.poll(() => state(third), { timeout: 60_000 }).toBe("COMPLETED");
    expect(await site.on("controller", `sacct -nPX -j ${third} -o AllocTRES`)).toContain(
      "gres/gpu:1g.10gb=2",
    );
  });

  it("are shared by time slices: a job waits for slices, or for a whole GPU that has none in use", async () => {
    const first = await submit("shard:2", "sleep 600");
    await expect.poll(() => state(first), { timeout: 30_000 }).toBe("RUNNING");
    const [second, whole] = [await submit("shard:2", "echo done"), await submit("gpu:gb10:1", "echo done")];
    const beside = await submit("shard:1", "echo $SLURM_SHARDS_ON_NODE");
    expect([await state(second), await state(whole)]).toEqual(["PENDING", "PENDING"]);
    await site.on("controller", `scancel ${first}`);
    for (const job of [second, whole, beside]) {
      await expect.poll(() => state(job), { timeout: 60_000 }).toBe("COMPLETED");
    }
    expect(await site.on("controller", `cat /scratch/${beside}.out`)).toBe("1");
    expect(await site.on("controller", `sacct -nPX -j ${second} -o AllocTRES`)).toContain("gres/shard=2");
  });

  it("that no node has are refused at once", async () => {
    await expect(submit("gpu:7g.80gb:1", "true")).rejects.toThrow(/Invalid Trackable RESource|not available/);
  });

  const node = "gres-compute-01";
  const nodeState = (): Promise<string> => site.on("controller", `sinfo -hN -n ${node} -o %T`);

  /** `up` runs the playbook again and no more, and the node takes jobs. */
  async function isBroughtBack(): Promise<Said> {
    const up = await site.succeed("up");
    expect(done(up.output).filter((line) => !line.startsWith("changed outside "))).toEqual([
      "replaced Command gres-configuration-run",
      "replaced Command gres-smoke-job",
      "updated SlurmDrains gres-slurm-drains",
    ]);
    await expect.poll(nodeState, { timeout: 60_000 }).toBe("idle");
    expect((await site.succeed("up")).output).toContain("no changes");
    return up;
  }

  it("and their node are back after SLURM missed some of them, which a refresh sees", async () => {
    await site.on(
      "compute-01",
      "sudo sed -i s/gpu.1-2./gpu1/ /etc/slurm/gres.conf && sudo systemctl restart slurmd",
    );
    await expect.poll(nodeState, { timeout: 60_000 }).toMatch(/drain|inval/);
    const refresh = await site.succeed("refresh");
    expect(done(refresh.output)).toEqual(["changed outside SlurmDrains gres-slurm-drains"]);
    expect(refresh.output).toContain("gres-compute-01: gres/gpu count reported lower");
    await isBroughtBack();
  });

  it("and their node are back after they were not what was planned, which `up` sees itself", async () => {
    await site.on("compute-01", "sudo rm /var/lib/ai-how/pretended-gpu/gpu1");
    await expect.poll(nodeState, { timeout: 60_000 }).toMatch(/drain/);
    const up = await isBroughtBack();
    expect(up.output).toContain("gres-compute-01: ai-how: pretended GPUs differ from the pl");
  });
});
