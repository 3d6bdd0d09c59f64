import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import {
  gresConf,
  gresParameter,
  nvidiaGpus,
  planGpus,
  pretendedDevices,
  PRETENDED_FILES,
  type GpuRequest,
} from "../../../gpu/index.ts";
import { fakeDriver, fakeGpu, type FakeState } from "../../support/fake-nvidia.ts";
import { Stage, unavailable } from "./stage.ts";

// compute01 has a fake driver; compute02 is in the same groups, and all of its GPUs are pretended.
const stage = new Stage("nvidia", ["controller", "compute01", "compute02"]);
const groups = { firsts: ["slurm_controller"], others: ["slurm_compute", "gpu_nodes"] };

const request: GpuRequest = {
  model: "a100-80gb",
  pciAddress: undefined,
  pretended: false,
  count: 1,
  migProfiles: ["3g.40gb", "1g.10gb", "1g.10gb"],
};
const { plan } = planGpus([request]);
const { plan: pretended } = planGpus([{ ...request, pretended: true }]);
const node = (name: string) => ({ NodeName: name, CPUs: 1, RealMemory: 500, State: "UNKNOWN" });
const variables = {
  slurm_munge_key: "0123456789abcdef".repeat(4),
  slurm_accounting_enabled: false,
  slurm_config: { GresTypes: "gpu", HealthCheckInterval: 5 },
  slurm_nodes: [
    { ...node("compute01"), Gres: gresParameter(plan) },
    { ...node("compute02"), Gres: gresParameter(pretended) },
  ],
  slurm_gres: gresConf("compute02", pretended),
  slurm_pretended_gpus: { directory: PRETENDED_FILES, devices: { compute02: pretendedDevices(pretended) } },
  slurm_partitions: [{ PartitionName: "main", Nodes: "ALL", Default: "YES", State: "UP" }],
  nvidia_driver_source: "none",
  nvidia_plans: { compute01: nvidiaGpus(plan, "guest") },
};
const gpu = fakeGpu(0, "NVIDIA A100-SXM4-80GB", "a100-80gb");
const state: FakeState = { driver: "535.261.03", gpus: [gpu], faults: {} };

const write = (file: string, text: string) => stage.on("compute01", `sudo tee ${file} >/dev/null`, text);
const setState = (change: Partial<FakeState>) =>
  write("/var/lib/fake-nvidia/state.json", JSON.stringify({ ...state, ...change }));
const sinfo = (format: string, name = "compute01") =>
  stage.on("controller", `sinfo -hN -n ${name} -o '${format}'`);
async function reboot(): Promise<void> {
  const machine = stage.node("compute01");
  const running = machine.made.inputs;
  machine.made = await machine.resource.update(machine.made, { ...running, running: false });
  machine.made = await machine.resource.update(machine.made, running);
  await stage.on("compute01", "systemctl is-system-running --wait || true");
}

/** What NVIDIA's packages would have brought, in the place of the driver: it needs a /proc that it can write to. */
async function installFakeDriver(): Promise<void> {
  await stage.on("compute01", "sudo mkdir -p /var/lib/fake-nvidia");
  await write("/usr/local/bin/nvidia-smi", await readFile(join(fakeDriver, "nvidia-smi"), "utf8"));
  await write(
    "/etc/systemd/system/nvidia-persistenced.service",
    `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/mount -t tmpfs fake-nvidia /proc/driver
ExecStart=/usr/local/bin/nvidia-smi -q -x
[Install]
WantedBy=multi-user.target
`,
  );
  await setState({});
  await stage.on("compute01", "sudo chmod +x /usr/local/bin/nvidia-smi && sudo systemctl daemon-reload");
}

describeUnless(unavailable, "role nvidia with a fake driver", () => {
  beforeAll(installFakeDriver);

  it("refuses a plan that is not in its argument specification, before it changes anything", async () => {
    const [planned] = nvidiaGpus(plan, "guest");
    const partitions = [{ profile: "3g.40gb" }];
    const wrong = await stage.play(groups, {
      ...variables,
      nvidia_plans: { compute01: [{ ...planned, partitions }] },
    });
    expect(wrong.exitCode).not.toBe(0);
    expect(wrong.output).toContain("missing required arguments: start found in nvidia_gpus -> partitions");
    const source = await stage.play(groups, { ...variables, nvidia_driver_source: "somewhere" });
    expect(source.output).toContain(
      "value of nvidia_driver_source must be one of: distribution, nvidia, none",
    );
    await expect(stage.on("compute01", "test -e /etc/ai-how/gpu-plan.json")).rejects.toThrow();
  });

  it("fails where the GPU is another than planned, with both printed", async () => {
    await setState({ gpus: [{ ...gpu, name: "NVIDIA H100 PCIe" }] });
    const play = await stage.play(groups, variables);
    expect(play.exitCode).not.toBe(0);
    expect(play.output).toContain("GPU 0 at 0000:17:00.0: model: planned A100 80GB, found NVIDIA H100 PCIe");
    expect(play.output).toMatch(/planned:[^]*A100 80GB[^]*found:[^]*NVIDIA H100 PCIe/);
    await setState({});
  });

  it("converges, and a second run changes nothing, with Mitogen and with plain Ansible", async () => {
    const first = await stage.play(groups, variables);
    expect(first.output).toMatch(/^recap compute01 ok=\d+ changed=[1-9]\d* failed=0 unreachable=0$/m);
    expect(first.exitCode).toBe(0);
    for (const strategy of ["mitogen_linear", "linear"]) {
      const again = await stage.play(groups, variables, { AI_HOW_STRATEGY: strategy });
      expect(again).toMatchObject({ exitCode: 0, changed: 0 });
    }
  });

  it("leaves a machine without planned GPUs alone", async () => {
    expect(await stage.on("compute02", "ls /etc/ai-how /usr/local/lib")).not.toMatch(/gpu-plan|^ai-how$/m);
    expect(
      await stage.on("compute02", "systemctl list-unit-files 'ai-how-gpu*' 'nvidia*' --no-legend || true"),
    ).toBe("");
  });

  it("gives SLURM the partitions, device nodes and all, in one deploy", async () => {
    expect(await sinfo("%G %t")).toBe("gpu:3g.40gb:1,gpu:1g.10gb:2 idle");
    const found = await stage.on("compute01", "sudo slurmd -G 2>&1");
    expect(found).toMatch(/Type=3g.40gb .*File=\/dev\/nvidia0,\/dev\/nvidia-caps\/nvidia-cap12,/);
    expect(found.match(/Type=1g.10gb/g)).toHaveLength(2);
    const job = "srun --gres=gpu:1g.10gb:2 sh -c 'echo $SLURM_JOB_ID on $(hostname)' </dev/null";
    expect(await stage.on("controller", job)).toMatch(/^\d+ on compute01$/);
    await expect(stage.on("controller", "srun --gres=gpu:1g.10gb:3 true </dev/null")).rejects.toThrow(
      /not available/,
    );
  });

  it("creates the partitions again at boot, before SLURM starts", async () => {
    await reboot();
    const since = "systemctl show -p ActiveEnterTimestampMonotonic --value";
    const [applied, started] = (await stage.on("compute01", `${since} ai-how-gpus slurmd`))
      .split(/\s+/)
      .map(Number);
    expect(applied).toBeGreaterThan(0);
    expect(started).toBeGreaterThan(applied ?? Infinity);
    expect(await stage.on("compute01", "sudo journalctl -b -u ai-how-gpus -o cat")).toContain(
      "created 3g.40gb@0 1g.10gb@4 1g.10gb@5",
    );
    await expect.poll(() => sinfo("%t"), { timeout: 60_000 }).toBe("idle");
    expect(await stage.play(groups, variables)).toMatchObject({ exitCode: 0, changed: 0 });
  });

  it("drains a node that is not as planned after a boot, and a run brings it back when that is mended", async () => {
    await setState({ driver: "440.33.01" });
    await reboot();
    await expect.poll(() => sinfo("%t"), { timeout: 60_000 }).toBe("inval");
    expect(await sinfo("%E")).toMatch(
      /^ai-how: GPUs differ from the plan: .*driver: planned 450.80.02 or newer, found 440.33.01/,
    );
    expect((await stage.play(groups, variables)).exitCode).not.toBe(0);
    await setState({});
    expect(await stage.play(groups, variables)).toMatchObject({ exitCode: 0 });
    await expect.poll(() => sinfo("%t"), { timeout: 30_000 }).toBe("idle");
  });

  const nodeState = () => sinfo("%t", "compute02");
  const reason = () => sinfo("%E", "compute02");
  const differs =
    "ai-how: pretended GPUs differ from the plan: planned gpu0=3g.40gb gpu1=1g.10gb gpu2=1g.10gb, " +
    "found gpu0=3g.40gb gpu1=2g.20gb gpu2=none";
  const spoil = `cd ${PRETENDED_FILES} && echo 2g.20gb | sudo tee gpu1 && sudo rm gpu2`;

  it("drains a node whose pretended GPUs differ, without ending its job, and a run brings it back", async () => {
    const id = await stage.on(
      "controller",
      "sbatch --parsable --nodelist=compute02 --gres=gpu:3g.40gb:1 --output=/dev/null --wrap 'sleep 300'",
    );
    const jobState = () => stage.on("controller", `squeue -h -j ${id} -o %T`);
    await expect.poll(jobState, { timeout: 30_000 }).toBe("RUNNING");
    await stage.on("compute02", spoil);
    await expect.poll(nodeState, { timeout: 30_000 }).toBe("drng");
    expect(await reason()).toBe(differs);
    expect(await jobState()).toBe("RUNNING");
    await stage.on("controller", `scancel ${id}`);
    expect(await stage.play(groups, variables)).toMatchObject({ exitCode: 0 });
    await expect.poll(nodeState, { timeout: 30_000 }).toBe("idle");
    expect(await stage.on("compute02", `cat ${PRETENDED_FILES}/gpu2`)).toBe(
      "1g.10gb\nPretended: there is no device.",
    );
    expect(await stage.play(groups, variables)).toMatchObject({ exitCode: 0, changed: 0 });
  });

  it("brings a node back by itself when somebody mended it, and drains again what was only resumed", async () => {
    await stage.on("compute02", spoil);
    await expect.poll(reason, { timeout: 30_000 }).toBe(differs);
    await stage.on("controller", "sudo scontrol update nodename=compute02 state=resume");
    await expect.poll(reason, { timeout: 30_000 }).toBe(differs);
    await stage.on("compute02", `cd ${PRETENDED_FILES} && echo 1g.10gb | sudo tee gpu1 gpu2`);
    await expect.poll(nodeState, { timeout: 30_000 }).toBe("idle");
  });

  it("leaves a node alone that somebody else drained", async () => {
    await stage.on(
      "controller",
      "sudo scontrol update nodename=compute02 state=drain reason='a fan is broken'",
    );
    await stage.on("compute02", spoil);
    await expect
      .poll(() => stage.on("compute02", "sudo cat /var/log/slurm/slurmd.log"), { timeout: 30_000 })
      .toContain(`compute02 is drained for another reason; besides: ${differs.replace("ai-how: ", "")}`);
    await stage.on("compute02", `cd ${PRETENDED_FILES} && echo 1g.10gb | sudo tee gpu1 gpu2`);
    expect(await stage.play(groups, variables)).toMatchObject({ exitCode: 0 });
    expect(await reason()).toBe("a fan is broken");
    await stage.on("controller", "sudo scontrol update nodename=compute02 state=resume");
  });

  it("asks SLURM's controller nothing while all is well", async () => {
    const signal = (name: string) => stage.on("controller", `sudo systemctl kill --signal=${name} slurmctld`);
    await signal("STOP");
    try {
      for (const name of ["compute01", "compute02"]) await stage.on(name, "sudo timeout 8 ai-how-gpu-check");
      await expect(stage.on("compute02", "timeout 8 sinfo")).rejects.toThrow();
    } finally {
      await signal("CONT");
    }
  });

  it("takes a plan back that nobody has any more", async () => {
    const { slurm_nodes: _nodes, nvidia_plans: _plans, slurm_pretended_gpus: _gpus, ...rest } = variables;
    const without = { ...rest, slurm_gres: [], slurm_nodes: ["compute01", "compute02"].map(node) };
    expect(await stage.play(groups, without)).toMatchObject({ exitCode: 0 });
    await expect(stage.on("compute01", "test -e /etc/ai-how/gpu-plan.json")).rejects.toThrow();
    await expect(stage.on("compute02", "test -e /etc/ai-how/pretended-gpus")).rejects.toThrow();
    await expect.poll(() => sinfo("%G %t"), { timeout: 30_000 }).toBe("(null) idle");
  });
});
