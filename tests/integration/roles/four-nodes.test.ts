import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { describeUnless } from "../../support/where.ts";
import { slurmVariables } from "../../../components/hpc/slurm-conf.ts";
import { deriveSite, loadClusterFile } from "../../../config/index.ts";
import { gresParameter, migParted, nvidiaGpus, planGpus } from "../../../gpu/index.ts";
import { slurmPartitions, slurmResources } from "../../../stacks/hpc.ts";
import { fakeGpu, FakeMachine } from "../../support/fake-nvidia.ts";
import { Stage, unavailable } from "./stage.ts";

const file = join(import.meta.dirname, "../../fixtures/valid/four-nodes-eight-gpus.yaml");
const cluster = deriveSite(loadClusterFile(file).config).clusters.find(({ kind }) => kind === "hpc");
if (cluster?.kind !== "hpc") throw new Error(`${file} has no HPC cluster`);
const compute = cluster.nodes.filter(({ role }) => role === "compute");
const plans = compute.map(({ name, gpus }) => ({ name, plan: planGpus(gpus).plan }));

// Only the controller is a machine here: each node's slurmd reads its configuration there, by its name.
const stage = new Stage("four-nodes", ["controller"]);
const conf = slurmVariables({
  clusterName: cluster.name,
  nodes: compute.map((node) => ({ name: node.name, ...slurmResources(node) })),
  partitions: slurmPartitions(cluster, compute),
  accounting: false,
  config: cluster.slurm.options,
});

/** The format `v1` of mig-parted. Source: api/spec/v1 of github.com/NVIDIA/mig-parted. */
const migPartedSchema = z.strictObject({
  version: z.literal("v1"),
  "mig-configs": z.record(
    z.string(),
    z.array(
      z.strictObject({
        "device-filter": z.union([z.string(), z.array(z.string())]).optional(),
        devices: z.union([z.literal("all"), z.array(z.int().nonnegative())]),
        "mig-enabled": z.boolean(),
        "mig-devices": z
          .record(z.string().regex(/^([1-7]c\.)?[1-7]g\.\d+gb([+-](me|gfx|me\.all))*$/), z.int().positive())
          .optional(),
      }),
    ),
  ),
});

/** gres.conf of a node as `ai-how-gpus` writes it on the machine, from a fake driver with the planned models. */
async function gresConfOf(plan: (typeof plans)[number]["plan"]): Promise<string> {
  const gpus = plan.map((gpu) =>
    fakeGpu(gpu.index, `NVIDIA ${(gpu.known?.gresType ?? "GPU").replaceAll("_", " ")}`, gpu.known?.key),
  );
  const machine = new FakeMachine(gpus, "610.57.04");
  try {
    machine.plan(nvidiaGpus(plan, "guest"));
    expect(await machine.run("apply")).toMatchObject({ exitCode: 0, stderr: "" });
    return machine.file("run/ai-how/gres.conf").replaceAll(`${machine.root}/dev`, "/var/tmp/fake-dev");
  } finally {
    machine.remove();
  }
}

describeUnless(unavailable, "four nodes with eight GPUs in seventeen partitions", () => {
  beforeAll(async () => {
    // slurmctld asks for the address of each node, for seconds, where nobody knows it.
    await stage.on(
      "controller",
      "sudo tee --append /etc/hosts",
      compute.map(({ name, address }) => `${address ?? ""} ${name}\n`).join(""),
    );
    const play = await stage.play(
      { firsts: ["slurm_controller"], others: [] },
      { ...conf, slurm_munge_key: "0123456789abcdef".repeat(4) },
    );
    expect(play.exitCode, play.output).toBe(0);
  });

  it("are eight GPUs of four models", () => {
    const gpus = plans.flatMap(({ plan }) => plan);
    expect(gpus).toHaveLength(8);
    expect(new Set(gpus.map(({ known }) => known?.key)).size).toBe(4);
    expect(gpus.reduce((sum, { placements }) => sum + placements.length, 0)).toBe(17);
  });

  it("are what the real slurmctld has, with their partitions of the cluster", async () => {
    const said = await stage.on("controller", "scontrol show --oneliner nodes");
    for (const { name, plan } of plans) {
      const line = said.split("\n").find((each) => each.startsWith(`NodeName=${name} `)) ?? "";
      expect(line).toContain(` Gres=${gresParameter(plan) ?? ""} `);
    }
    expect(await stage.on("controller", "sinfo --noheader --format='%R %a %l %D'")).toBe(
      ["mig up 4:00:00 4", "large drain infinite 2", "gpu up 2-12:00:00 4"].join("\n"),
    );
    const log = await stage.on("controller", "sudo cat /var/log/slurm/slurmctld.log");
    expect(log).not.toMatch(/fatal|error:.*(gres|GRES|slurm.conf)/);
  });

  it.each(plans)("$name has a gres.conf that the real slurmd takes whole", async ({ name, plan }) => {
    const lines = await gresConfOf(plan);
    const devices = [...new Set(lines.match(/\/var\/tmp\/fake-dev\/[^,\s]+/g))];
    const folder = `/var/tmp/${name}`;
    // slurmd wants character devices; what they do does not matter to it.
    await stage.on(
      "controller",
      `sudo mkdir -p ${folder} /var/tmp/fake-dev/nvidia-caps && sudo cp /etc/slurm/{slurm,cgroup}.conf ${folder} &&
       for device in ${devices.join(" ")}; do sudo ln -sf /dev/null $device; done`,
    );
    await stage.on("controller", `sudo tee ${folder}/gres.conf`, lines);
    const said = await stage.on("controller", `sudo slurmd -N ${name} -f ${folder}/slurm.conf -G 2>&1`);
    expect(said).not.toMatch(/error|fatal/);
    const counts = new Map<string, number>();
    for (const [, type = "", count] of said.matchAll(/Name=gpu Type=(\S+) Count=(\d+)/g)) {
      counts.set(type, (counts.get(type) ?? 0) + Number(count));
    }
    expect([...counts].map(([type, count]) => `gpu:${type}:${count}`).join(",")).toBe(gresParameter(plan));
  });

  it("finds its own hardware, in the words of slurm.conf", async () => {
    expect(await stage.on("controller", "sudo slurmd -C")).toMatch(
      /^NodeName=controller CPUs=\d+ .*RealMemory=\d+/,
    );
  });

  it("says why where slurmctld does not take its configuration", async () => {
    const play = await stage.play(
      { firsts: ["slurm_controller"], others: [] },
      {
        ...conf,
        slurm_config: {
          ...z.record(z.string(), z.unknown()).parse(conf.slurm_config),
          AccountingStorageTRES: "gres/gpu",
        },
        slurm_munge_key: "0123456789abcdef".repeat(4),
      },
    );
    expect(play.exitCode).not.toBe(0);
    expect(play.output).toContain("slurmctld.service: ended soon after the start");
    expect(play.output).toContain("slurmdbd is required to run with TRES gres/gpu");
  });

  it.each(plans)("$name has a mig-parted file of its format", ({ plan }) => {
    const { "mig-configs": configs } = migPartedSchema.parse(parse(migParted(plan)));
    expect(Object.values(configs)[0]).toHaveLength(2);
  });
});
