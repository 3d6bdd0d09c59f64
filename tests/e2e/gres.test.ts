import { expect, it } from "vitest";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

describeUnless(await hostLacks(), "pretended GPUs", () => {
  const profiles = ["3g.40gb", "1g.10gb", "1g.10gb"];
  const site = new Site("gres", { machines: "container", computeNodes: 1, migProfiles: profiles });
  const submit = (gres: string, script: string): Promise<string> =>
    site.on("controller", `sbatch --parsable --output=/scratch/%j.out --gres=gpu:${gres} --wrap '${script}'`);
  const state = (job: string): Promise<string> =>
    site.on("controller", `squeue --noheader --states=all --job ${job} --format=%T`);

  it("are called pretended wherever they show", async () => {
    const up = await site.succeed("up");
    expect(up.output).toMatch(/\+ \d+ created/);
    const [, compute] = (await site.outputs()).machines;
    expect(compute?.gpus).toEqual([
      { type: "3g.40gb", count: 1, pretended: true },
      { type: "1g.10gb", count: 2, pretended: true },
    ]);
    expect((await site.succeed("status")).output).toContain(
      "1 x 3g.40gb (pretended), 2 x 1g.10gb (pretended)",
    );
    expect(await site.on("controller", "sinfo -hN -o '%G %f'")).toBe(
      "gpu:3g.40gb:1,gpu:1g.10gb:2 pretended_gpu",
    );
    expect(await site.on("compute-01", "cat /etc/slurm/gres.conf")).toContain(
      "are pretended: there is no device",
    );
  });

  it("are scheduled: two jobs share one, a third waits for its partition", async () => {
    const [first, second] = [await submit("1g.10gb:1", "sleep 600"), await submit("1g.10gb:1", "sleep 600")];
    await expect.poll(() => state(first), { timeout: 30_000 }).toBe("RUNNING");
    await expect.poll(() => state(second), { timeout: 30_000 }).toBe("RUNNING");
    const third = await submit("1g.10gb:2", "echo done");
    expect(await state(third)).toBe("PENDING");
    await site.on("controller", `scancel ${first} ${second}`);
    await expect.poll(() => state(third), { timeout: 60_000 }).toBe("COMPLETED");
    expect(await site.on("controller", `sacct -nPX -j ${third} -o AllocTRES`)).toContain(
      "gres/gpu:1g.10gb=2",
    );
  });

  it("that no node has are refused at once", async () => {
    await expect(submit("7g.80gb:1", "true")).rejects.toThrow(/Invalid Trackable RESource|not available/);
  });

  it("and their node are back after they were missing", async () => {
    const node = "gres-compute-01";
    const nodeState = (): Promise<string> => site.on("controller", `sinfo -hN -n ${node} -o %T`);
    await site.on(
      "compute-01",
      "sudo sed -i s/gpu.1-2./gpu1/ /etc/slurm/gres.conf && sudo systemctl restart slurmd",
    );
    await expect.poll(nodeState, { timeout: 60_000 }).toMatch(/drain|inval/);
    expect(await site.on("controller", `sinfo -hN -n ${node} -o %E`)).toContain("count reported lower");
    // Another edition of the configuration is a reason to apply it again.
    await site.write(2);
    await site.succeed("up");
    await expect.poll(nodeState, { timeout: 60_000 }).toBe("idle");
  });
});
