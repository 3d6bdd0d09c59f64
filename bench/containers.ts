import { z } from "zod";
import { floorFirstJob } from "./floor.ts";
import { imageDirectory } from "./image.ts";
import { BenchProject, type EngineName } from "./project.ts";
import { row, type Benchmark } from "./result.ts";

const STACK = "bench";
const ROUNDS = 3;
const ENGINE: EngineName = "in-process";
const status = z.object({ machines: z.array(z.object({ name: z.string(), slurm: z.string().optional() })) });

/** A cluster on container nodes: first `up` and job, `up` without a change, and `up` with one more node. */
export const containers: Benchmark = {
  name: "containers",
  title: "A cluster of three container nodes",
  floor:
    "for the first job, bench/floor/first-job; for `up` without a change, `up` of a program that makes nothing; " +
    "for one more node, the first `up`",
  async run(say) {
    await imageDirectory();
    const [project, empty] = [await BenchProject.create(), await BenchProject.createEmpty()];
    const times = {
      floorJob: [] as number[],
      first: [] as number[],
      again: [] as number[],
      emptyAgain: [] as number[],
      added: [] as number[],
    };
    try {
      await empty.run(ENGINE, "up", "empty");
      for (let round = 0; round < ROUNDS; round += 1) {
        times.floorJob.push(await floorFirstJob("container"));
        await project.writeCluster(STACK, "container", 2);
        times.first.push((await project.run(ENGINE, "up", STACK)).seconds);
        for (let repeat = 0; repeat < 2; repeat += 1) {
          times.again.push((await project.run(ENGINE, "up", STACK)).seconds);
          times.emptyAgain.push((await empty.run(ENGINE, "up", "empty")).seconds);
        }
        await project.writeCluster(STACK, "container", 3);
        const begun = performance.now();
        await project.run(ENGINE, "up", STACK);
        await untilIdle(project, "compute-03");
        times.added.push((performance.now() - begun) / 1000);
        await project.run(ENGINE, "down", STACK);
        say(
          Object.entries(times)
            .map(([name, values]) => `${name} ${values.at(-1)?.toFixed(1) ?? ""} s`)
            .join(", "),
        );
      }
      return [
        row("first job", "s", times.first, times.floorJob, { below: 25 }),
        row("`up` without a change", "s", times.again, times.emptyAgain, { below: 10 }),
        row("one more node, until it is idle", "s", times.added, times.first),
      ];
    } finally {
      await project.run(ENGINE, "down", STACK).catch(() => undefined);
      await Promise.all([project.remove(), empty.remove()]);
    }
  },
};

async function untilIdle(project: BenchProject, node: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    const { output } = await project.run(ENGINE, "status", STACK, "--json");
    const { machines } = status.parse(JSON.parse(output));
    if (machines.find(({ name }) => name === node)?.slurm === "idle") return;
  }
  throw new Error(`${node} did not become idle in a minute`);
}
