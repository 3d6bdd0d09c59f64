import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { gpuModels, nvidiaGpus, planGpus, type GpuRequest, type NvidiaGpu } from "../../../gpu/index.ts";
import { fakeDriver, fakeGpu, FakeMachine, type FakeGpu } from "../../support/fake-nvidia.ts";

const machines: FakeMachine[] = [];
function machine(gpus: readonly FakeGpu[], plan: readonly NvidiaGpu[]): FakeMachine {
  const made = new FakeMachine(gpus);
  machines.push(made);
  made.plan(plan);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

const planOf = (...gpus: readonly [string, ...string[]][]): readonly NvidiaGpu[] => {
  const requests = gpus.map(([model, ...migProfiles]): GpuRequest => ({
    model,
    migProfiles,
    pciAddress: undefined,
    pretended: false,
    count: 1,
  }));
  const { plan, problems } = planGpus(requests);
  expect(problems).toEqual([]);
  return nvidiaGpus(plan, "guest");
};
const a100 = (number = 0, more: Partial<FakeGpu> = {}) =>
  fakeGpu(number, "NVIDIA A100-SXM4-80GB", "a100-80gb", more);
const mixed = planOf(["a100-80gb", "3g.40gb", "1g.10gb", "1g.10gb", "1g.10gb", "1g.10gb"]);
const placed = ["3g.40gb@4", "1g.10gb@0", "1g.10gb@1", "1g.10gb@2", "1g.10gb@3"];

describe("ai-how-gpus on a fake driver", () => {
  it("creates the partitions from nothing, where the plan has them, and changes nothing the second time", async () => {
    const it = machine([a100()], mixed);
    const first = await it.run("apply");
    expect(first.stderr).toBe("");
    expect(first).toMatchObject({
      exitCode: 0,
      changes: ["-i 0000:17:00.0 -mig 1", "mig -i 0000:17:00.0 -cgi 9:4,19:0,19:1,19:2,19:3 -C"],
    });
    expect(it.instances).toEqual([placed]);
    expect(await it.run("apply")).toMatchObject({
      exitCode: 0,
      changes: [],
      stdout: "1 GPUs are as planned, nothing to do",
    });
    expect(await it.run("verify")).toMatchObject({ exitCode: 0, changes: [], stdout: "", stderr: "" });
  });

  it("creates them again after a reboot, with MIG on or off, in the order of the plan", async () => {
    for (const keepsMode of [true, false]) {
      const it = machine([a100(0, { keepsMode })], mixed);
      await it.run("apply");
      it.reboot();
      expect(await it.run("verify")).toMatchObject({ exitCode: 1, changes: [] });
      const again = await it.run("apply");
      expect(again.exitCode).toBe(0);
      expect(again.changes).toEqual([
        ...(keepsMode ? [] : ["-i 0000:17:00.0 -mig 1"]),
        "mig -i 0000:17:00.0 -cgi 9:4,19:0,19:1,19:2,19:3 -C",
      ]);
      expect(it.instances).toEqual([placed]);
    }
  });

  it("needs the placements: the driver's own order has no room for the 3g after four 1g", async () => {
    const [gpu] = mixed;
    const it = machine([a100()], [{ ...gpu, partitions: gpu?.partitions.map((p) => ({ ...p, start: 0 })) } as NvidiaGpu]);
    const ran = await it.run("apply");
    expect(ran).toMatchObject({ exitCode: 1 });
    expect(ran.stderr).toMatch(/using profile 19: Insufficient Resources$/m);
  });

  it("destroys and creates on the GPU that differs, and leaves the other alone", async () => {
    const plan = planOf(["a100-80gb", "3g.40gb", "3g.40gb"], ["a100-80gb", "2g.20gb"]);
    const it = machine([a100(0), a100(1)], plan);
    await it.run("apply");
    const [three, two] = it.instances;
    it.change(({ gpus }) => void gpus[1]?.instances.splice(0));
    it.change(({ gpus }) =>
      gpus[1]?.instances.push({ id: 7, profile: "1g.10gb", start: 0, compute: [{ id: 0, name: "1g.10gb" }] }),
    );
    const ran = await it.run("apply");
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout.split("\n")).toEqual([
      "GPU 1 at 0000:27:00.0: destroyed 1g.10gb@0",
      "GPU 1 at 0000:27:00.0: created 2g.20gb@0",
      "2 GPUs are as planned",
    ]);
    expect(ran.changes.every((call) => call.includes("0000:27:00.0"))).toBe(true);
    expect(it.instances).toEqual([three, two]);
  });

  it("switches MIG off on a GPU that is planned whole", async () => {
    const it = machine([a100()], mixed);
    await it.run("apply");
    it.plan(planOf(["a100-80gb"]));
    const ran = await it.run("apply");
    expect(ran.exitCode).toBe(0);
    expect(ran.changes).toEqual([
      "mig -i 0000:17:00.0 -dci",
      "mig -i 0000:17:00.0 -dgi",
      "-i 0000:17:00.0 -mig 0",
    ]);
    expect(it.state.gpus[0]).toMatchObject({ mig: "Disabled", instances: [] });
  });

  it("resets the GPU for a change of mode where the driver does not do it by itself", async () => {
    const it = machine([a100(0, { resetsItself: false })], mixed);
    const ran = await it.run("apply");
    expect(ran.exitCode).toBe(0);
    expect(ran.changes.slice(0, 2)).toEqual(["-i 0000:17:00.0 -mig 1", "--gpu-reset -i 0000:17:00.0"]);
  });

  it("stops what has the GPU open for a reset, and starts it again, whatever came of it", async () => {
    const path = `${join(import.meta.dirname, "../../support/fake-holders")}:${fakeDriver}:/usr/bin:/bin`;
    const units = ["nvidia-dcgm.service", "nvidia-persistenced.service"];
    for (const canBeReset of [true, false]) {
      const it = machine([a100(0, { resetsItself: false, canBeReset })], mixed);
      it.write("sys/module/nvidia_drm/refcnt", "0\n");
      for (const unit of units) it.write(`fake/units/${unit}`, "");
      const ran = await it.run("apply", { path });
      expect(ran.exitCode).toBe(canBeReset ? 0 : 3);
      expect(ran.stdout).toContain(
        "GPU 0 at 0000:17:00.0: stopped for the reset: nvidia-dcgm.service, nvidia-persistenced.service, nvidia_drm",
      );
      expect(it.file("fake/holders.log").split("\n").filter((line) => !line.includes("is-active"))).toEqual([
        ...units.map((unit) => `systemctl stop ${unit}`),
        "modprobe --remove nvidia_drm",
        "modprobe nvidia_drm",
        ...units.toReversed().map((unit) => `systemctl start ${unit}`),
        "",
      ]);
      if (canBeReset) expect(it.instances).toEqual([placed]);
    }
  });

  it("leaves a driver alone that the console has open, and then asks for a reboot", async () => {
    const path = `${join(import.meta.dirname, "../../support/fake-holders")}:${fakeDriver}:/usr/bin:/bin`;
    const it = machine([a100(0, { resetsItself: false })], mixed);
    it.write("sys/module/nvidia_drm/held", "");
    const ran = await it.run("apply", { path });
    expect(ran.exitCode).toBe(3);
    expect(ran.stderr).toContain("currently in use by another process");
  });

  it("makes the device nodes of partitions that are missing, or offers nothing to SLURM", async () => {
    const it = machine([a100()], planOf(["a100-80gb", "3g.40gb"]));
    await it.run("apply");
    const caps = join(it.root, "dev/nvidia-caps");
    rmSync(join(caps, "nvidia-cap12"));
    // The fake driver makes them whenever it runs, unless there is another thing in their place.
    it.change((state) => (state.noNodes = true));
    expect((await it.run("apply")).stderr).toContain("nvidia-cap12: is missing and cannot be made");
    expect(it.file("run/ai-how/gres.conf")).not.toContain("Name=gpu");
    it.write("proc/devices", "Character devices:\n  1 mem\n236 nvidia-caps\n");
    expect(await it.run("apply")).toMatchObject({ exitCode: 0 });
    const { mode, rdev } = statSync(join(caps, "nvidia-cap12"));
    expect([mode & 0o170000, mode & 0o777, rdev]).toEqual([0o020000, 0o444, (236 << 8) | 12]);
    expect(it.file("run/ai-how/gres.conf")).toContain("nvidia-cap12");
  });

  it("finishes after the reboot that a change of mode needs in some virtual machines", async () => {
    const it = machine([a100(0, { resetsItself: false, canBeReset: false, keepsMode: true })], mixed);
    const ran = await it.run("apply");
    expect(ran.exitCode).toBe(3);
    expect(ran.stderr).toMatch(/^GPU 0 at 0000:17:00.0: MIG mode will be enabled after a reset .* reboot this machine$/);
    it.reboot();
    expect(await it.run("apply")).toMatchObject({ exitCode: 0 });
    expect(it.instances).toEqual([placed]);
  });

  it("takes GPUs by their address where the plan has one", async () => {
    const plan = planOf(["a100-80gb", "7g.80gb"], ["h100-80gb"]).map((gpu, index) => ({
      ...gpu,
      pci_address: ["0000:27:00.0", "0000:17:00.0"][index] ?? "",
    }));
    const it = machine([fakeGpu(0, "NVIDIA H100 PCIe", "h100-80gb"), a100(1)], plan);
    expect(await it.run("apply")).toMatchObject({ exitCode: 0 });
    expect(it.instances).toEqual([[], ["7g.80gb@0"]]);
    // In the order of the plan, which is that of the node's gres.
    expect(it.file("run/ai-how/gres.conf")).toMatch(/Type=7g.80gb MultipleFiles=\S*nvidia1,[^]*Type=h100 File=\S*nvidia0$/m);
  });

  it("cuts every GPU of the catalogue as planned, all at once", async () => {
    const known = gpuModels.filter(({ geometry }) => geometry.profiles.length > 0);
    const gpus = known.map((model, number) => fakeGpu(number, `NVIDIA ${model.gresType.replaceAll("_", " ")}`, model.key));
    const whole = known.map((model): [string, ...string[]] => {
      // One of half the GPU, and the other half full of the smallest.
      const plain = model.geometry.profiles.filter(({ name }) => !/[+-]/.test(name));
      const half = plain.find(({ size, starts }) => size * 2 === model.geometry.slices && starts.length > 1);
      const small = plain.reduce((least, profile) => (profile.size < least.size ? profile : least));
      const count = model.geometry.slices / 2 / small.size;
      return [model.key, half?.name ?? "", ...Array.from({ length: count }, () => small.name)];
    });
    const it = machine(gpus, planOf(...whole));
    it.change((state) => (state.driver = "610.57.04"));
    const ran = await it.run("apply", { args: ["--timeout", "60"] });
    expect(ran.stderr).toBe("");
    expect(it.instances.map((instances) => instances.length)).toEqual(whole.map((names) => names.length - 1));
    expect(await it.run("apply", { args: ["--timeout", "60"] })).toMatchObject({ exitCode: 0, changes: [] });
  });

  it("tells SLURM of the device nodes only while all is as planned", async () => {
    const it = machine([a100()], planOf(["a100-80gb", "3g.40gb"]));
    await it.run("apply");
    const dev = `${it.root}/dev`;
    expect(it.file("run/ai-how/gres.conf").split("\n")).toEqual([
      "# Written by ai-how-gpus: what SLURM may offer of this machine.",
      // 3 + 9 x GPU instance, and one more for compute instance 0: MIG user guide, "Device Nodes and Capabilities".
      `Name=gpu Type=3g.40gb MultipleFiles=${dev}/nvidia0,${dev}/nvidia-caps/nvidia-cap12,${dev}/nvidia-caps/nvidia-cap13`,
      "",
    ]);
    it.change(({ gpus }) => gpus[0]?.clients.push({ pid: 1, name: "python3" }));
    it.plan(planOf(["a100-80gb", "2g.20gb"]));
    expect(await it.run("apply")).toMatchObject({ exitCode: 1 });
    expect(it.file("run/ai-how/gres.conf")).not.toContain("Name=gpu");
  });

  it("tells SLURM how many jobs share a GPU", async () => {
    const [plain] = planOf(["a100-80gb"]);
    const it = machine([a100()], [{ ...(plain ?? { index: 0, names: [], partitions: [] }), time_slices: 4 }]);
    expect(await it.run("apply")).toMatchObject({ exitCode: 0 });
    expect(it.file("run/ai-how/gres.conf").split("\n").slice(1)).toEqual([
      `Name=gpu Type=a100 File=${it.root}/dev/nvidia0`,
      `Name=shard Count=4 File=${it.root}/dev/nvidia0`,
      "",
    ]);
  });

  // Rows as posted with their commands: A100 on 450 to 465, A30 on 535.183.01, RTX PRO 6000 on 575.
  const listings: Readonly<Record<string, [instances: string[], compute: string[], found: string]>> = {
    "a driver from before placements of compute instances": [
      ["|   0  MIG 3g.20gb       9        1          4:4     |", "|   0  MIG 3g.20gb       9        2          0:4     |"],
      ["|   0      1       MIG 1c.3g.20gb       0         0     |", "|   0      2       MIG 3g.20gb          2         0     |"],
      "3g.20gb@0 3g.20gb@4 (compute instances: 1c.3g.20gb)",
    ],
    "driver 535": [
      ["|   0  MIG 1g.6gb          14        3          0:1     |", "|   0  MIG 2g.12gb          5        2          2:2     |"],
      [
        "|   0      3       MIG 1g.6gb           0         0          0:1     |",
        "|   0      2       MIG 2g.12gb          1         0          0:2     |",
      ],
      "1g.6gb@0 2g.12gb@2",
    ],
    "driver 575": [
      ["|   0  MIG 1g.24gb+me.all    65        5          6:3     |", "|   0  MIG 2g.48gb            5        1          0:6     |"],
      [
        "|   0      5       MIG 1g.24gb+me.all   0         0          0:1     |",
        "|   0      1       MIG 2g.48gb          1         0          0:2     |",
      ],
      "2g.48gb@0 1g.24gb+me.all@6",
    ],
  };
  it.each(Object.entries(listings))("reads the tables of %s", async (_driver, [instances, compute, found]) => {
    const it = machine([a100(0, { mig: "Enabled", pending: "Enabled", keepsMode: true })], mixed);
    it.change(({ faults }) => {
      faults["-lgi"] = { say: instances.join("\n") };
      faults["-lci"] = { say: compute.join("\n") };
    });
    const { stderr } = await it.run("verify");
    expect(stderr).toContain(`partitions: planned ${placed.join(" ")}, found ${found}\n`);
  });
});
