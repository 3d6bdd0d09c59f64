import { expect, test } from "vitest";
import { slurmVariables, type SlurmConf } from "../../../components/hpc/slurm-conf.ts";
import { planGpus } from "../../../gpu/index.ts";

const gpu = { model: "a30", pciAddress: undefined, pretended: true, count: 1, migProfiles: [] };
const conf: SlurmConf = {
  clusterName: "lab",
  nodes: [
    { name: "lab-compute-01", cpus: 4, realMemory: undefined, gpus: planGpus([gpu]).plan },
    { name: "lab-compute-02", cpus: undefined, realMemory: 900, gpus: [] },
  ],
  partitions: [
    {
      name: "all",
      nodes: ["lab-compute-01", "lab-compute-02"],
      isDefault: true,
      maxTime: "1:00:00",
      state: "UP",
    },
  ],
  accounting: true,
  config: { SchedulerType: "sched/builtin" },
};
const withGpus = (...requests: Parameters<typeof planGpus>[0]): SlurmConf => ({
  ...conf,
  nodes: [{ name: "c1", cpus: 1, realMemory: 1, gpus: planGpus(requests).plan }],
});

test("a node has only known values", () => {
  expect(slurmVariables(conf).slurm_nodes).toEqual([
    { NodeName: "lab-compute-01", CPUs: 4, Gres: "gpu:a30:1", Features: "pretended_gpu", State: "UNKNOWN" },
    { NodeName: "lab-compute-02", RealMemory: 900, State: "UNKNOWN" },
  ]);
  expect(slurmVariables(conf).slurm_partitions).toEqual([
    {
      PartitionName: "all",
      Nodes: "lab-compute-01,lab-compute-02",
      Default: "YES",
      MaxTime: "1:00:00",
      State: "UP",
    },
  ]);
});

test("parameters of the cluster file override generated ones", () => {
  expect(slurmVariables({ ...conf, config: { GresTypes: "gpu,mps" } }).slurm_config).toMatchObject({
    ClusterName: "lab",
    GresTypes: "gpu,mps",
  });
});

test("AccountingStorageTRES lists GPU types and shards", () => {
  expect(slurmVariables(conf).slurm_config).toMatchObject({
    GresTypes: "gpu",
    AccountingStorageTRES: "gres/gpu,gres/gpu:a30",
  });
  expect(slurmVariables(withGpus({ ...gpu, model: "gb10", timeSlices: 4 })).slurm_config).toMatchObject({
    GresTypes: "gpu,shard",
    AccountingStorageTRES: "gres/gpu,gres/gpu:gb10,gres/shard",
  });
  expect(slurmVariables(withGpus()).slurm_config).not.toHaveProperty("GresTypes");
});

test("there is no AccountingStorageTRES without accounting, because slurmctld would exit", () => {
  expect(slurmVariables({ ...conf, accounting: false }).slurm_config).not.toHaveProperty(
    "AccountingStorageTRES",
  );
});

// As slurmctld 22.05.8 requires: without a NodeName it exits with "no nodes configured", and it reads the word after an empty
// `Nodes=` as its value, and exits with "default partition not set".
test("a cluster without compute nodes has a FUTURE node, and partitions without nodes", () => {
  const alone = slurmVariables({
    ...conf,
    nodes: [],
    partitions: conf.partitions.map((partition) => ({ ...partition, nodes: [] })),
  });
  expect(alone.slurm_nodes).toEqual([{ NodeName: "no-compute-node", State: "FUTURE" }]);
  expect(alone.slurm_partitions).toEqual([
    { PartitionName: "all", Default: "YES", MaxTime: "1:00:00", State: "UP" },
  ]);
});
