import { floorFirstJob } from "./floor.ts";
import { imageDirectory } from "./image.ts";
import { alternate } from "./measure.ts";
import { BenchProject, type EngineName } from "./project.ts";
import { row, type Benchmark } from "./result.ts";

const STACK = "bench";
const ENGINE: EngineName = "in-process";

/** A cluster on VMs, from the first `up` to a job. Takes more than ten minutes without KVM. */
export const vms: Benchmark = {
  name: "vms",
  title: "A cluster of three virtual machines",
  floor:
    "bench/floor/first-job: the same image, kernel and sizes with plain QEMU, one ssh and a hand-written slurm.conf per " +
    "node, the same job",
  slow: true,
  async run(say) {
    await imageDirectory();
    const project = await BenchProject.create();
    try {
      await project.writeCluster(STACK, "vm", 2);
      const times = await alternate<{ ours: number; floor: number }>(3, {
        ours: async () => {
          const { seconds } = await project.run(ENGINE, "up", STACK);
          await project.run(ENGINE, "down", STACK);
          say(`first job after ${seconds.toFixed(0)} s`);
          return seconds;
        },
        floor: async () => {
          const seconds = await floorFirstJob("vm");
          say(`by hand after ${seconds.toFixed(0)} s`);
          return seconds;
        },
      });
      return [row("first job", "s", times.ours, times.floor, { ratio: 1.3 })];
    } finally {
      await project.run(ENGINE, "down", STACK).catch(() => undefined);
      await project.remove();
    }
  },
};
