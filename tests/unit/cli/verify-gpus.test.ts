import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyGpus } from "../../../cli/verify/gpus.ts";
import { verifyJobs } from "../../../cli/verify/jobs.ts";
import { verifyCatalogue, verifyPartitioning } from "../../../cli/verify/mig.ts";
import type { Guest } from "../../../cli/verify/context.ts";
import { nvidiaGpus, planGpus } from "../../../gpu/index.ts";
import { fakeVerifyContext, fakeGuest, linesOf, type FakeAnswer } from "../../support/fake-verify-context.ts";
import { FakeHost } from "../../support/fake-host.ts";
import { fakeDriver, fakeGpu, FakeMachine, type FakeGpu } from "../../support/fake-nvidia.ts";

const NODE = "hpc-compute-01";
const OTHER = "hpc-compute-02";
const PARTITIONS = ["3g.40gb", "1g.10gb", "1g.10gb", "1g.10gb", "1g.10gb"];

let host: FakeHost;
let machine: FakeMachine;
let jobs: string[] = [];
let slurm: string[] = [];

beforeEach(() => {
  host = new FakeHost();
  machine = new FakeMachine([fakeGpu(0, "NVIDIA A100-SXM4-80GB", "a100-80gb")]);
  const request = { model: "a100-80gb", pciAddress: undefined, pretended: false, count: 1 };
  machine.plan(nvidiaGpus(planGpus([{ ...request, migProfiles: PARTITIONS }]).plan, "guest"));
  [jobs, slurm] = [[], []];
});

afterEach(() => {
  host.remove();
  machine.remove();
});

const BAR = (size: bigint, at = 0xe0000000n): string =>
  `0x${at.toString(16).padStart(16, "0")} 0x${(at + size - 1n).toString(16).padStart(16, "0")} 0x000000000014220c`;
const NONE = `0x${"0".repeat(16)} 0x${"0".repeat(16)} 0x${"0".repeat(16)}`;
const UNASSIGNED = `0x${"0".repeat(16)} 0x${"0".repeat(16)} 0x000000000014220c`;
const REGIONS = ["device 0000:07:00.0", BAR(16n << 20n), BAR(128n << 30n, 1n << 40n), NONE].join("\n");

/** The GPU node: the real `ai-how-gpus` on a fake driver. */
function gpuNode(answers: Readonly<Record<string, FakeAnswer>> = {}): Guest {
  let boots = 0;
  return fakeGuest(NODE, async (line, [program = "", ...args]) => {
    const given = Object.entries(answers).find(([part]) => line.includes(part));
    if (given !== undefined) return given[1];
    if (line.includes("/resource")) return REGIONS;
    if (line === "uname -r") return "6.1.0-56-amd64\n";
    if (line.startsWith("modinfo")) return "6.1.0-56-amd64 SMP preempt mod_unload modversions\n";
    if (line.endsWith("/nvidia/version"))
      return "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.173.02  Release Build\n";
    if (line.endsWith("boot_id")) return `boot-${boots}\n`;
    if (line === "systemctl reboot") {
      boots++;
      machine.reboot();
      return "";
    }
    if (line === "systemctl start ai-how-gpus.service") return answerOf(await machine.run("apply"));
    if (program === "ai-how-gpus")
      return answerOf(await machine.run(args[0] === "apply" ? "apply" : "verify"));
    if (program === "nvidia-smi")
      return answerOf(await machine.execute([`${fakeDriver}/nvidia-smi`, ...args]));
    return undefined;
  });
}

function answerOf(ran: { exitCode: number | undefined; stdout: string; stderr: string }): FakeAnswer {
  return { exitCode: ran.exitCode ?? 1, output: `${ran.stdout}${ran.stderr}\n` };
}

function controller(answers: Readonly<Record<string, FakeAnswer>> = {}): Guest {
  return fakeGuest("hpc-controller", (line) => {
    const given = Object.entries(answers).find(([part]) => line.includes(part));
    if (given !== undefined) return given[1];
    if (line.startsWith("squeue")) return jobs.map((job) => `${job}\n`).join("");
    if (line.startsWith("scontrol")) slurm.push(line);
    return "";
  });
}

describe("verify: GPUs in their machines", () => {
  it("passes on a machine where all is well, and tries nothing where the stack is not up", async () => {
    await machine.run("apply");
    const lines = await linesOf(verifyGpus(fakeVerifyContext(host, { guests: [gpuNode()] })));
    expect(lines.slice(0, 4)).toEqual([
      `passed ${NODE}: BARs: 0000:07:00.0 131072 MiB`,
      `passed ${NODE}: driver of the running kernel: 580.173.02, open, for 6.1.0-56-amd64`,
      `passed ${NODE}: nvidia-smi: NVIDIA A100-SXM4-80GB; driver 580.173.02, CUDA 13.0`,
      `passed ${NODE}: as planned: models, driver and partitions`,
    ]);
    const notUp = "the stack is not up: run `ai-how up`, then verify again";
    expect(lines[4]).toBe(`not tried ${OTHER}: BARs: ${notUp}`);
  });

  const broken: Readonly<Record<string, readonly [Readonly<Record<string, FakeAnswer>>, string]>> = {
    "a BAR has no address": [
      { "/resource": ["device 0000:07:00.0", BAR(16n << 20n), UNASSIGNED].join("\n") },
      "BARs: 0000:07:00.0: a region has no address",
    ],
    "the window is too small": [
      { "/resource": ["device 0000:07:00.0", BAR(16n << 20n), NONE].join("\n") },
      "BARs: 0000:07:00.0: its largest region is 16 MiB",
    ],
    "it has no GPU": [{ "/resource": "" }, "BARs: the machine has 0 GPUs, the plan 1"],
    "the driver is of another kernel": [
      { modinfo: "6.1.0-50-amd64 SMP mod_unload\n" },
      "driver of the running kernel: the module is for 6.1.0-50-amd64, but 6.1.0-56-amd64 runs",
    ],
    "there is no driver": [
      { modinfo: { exitCode: 1, output: "modinfo: ERROR: Module nvidia not found." } },
      "driver of the running kernel: no module for 6.1.0-56-amd64",
    ],
    "the driver does not answer": [
      { "nvidia-smi": { exitCode: 9, output: "NVIDIA-SMI has failed\nMake sure that it runs." } },
      "nvidia-smi: Make sure that it runs.",
    ],
    "partitions are missing": [{}, "as planned: "],
  };

  it.each(Object.entries(broken))("says so where %s", async (_name, [answers, expected]) => {
    const lines = await linesOf(verifyGpus(fakeVerifyContext(host, { guests: [gpuNode(answers)] })));
    expect(lines.find((line) => line.startsWith(`failed ${NODE}: ${expected}`))).toBeDefined();
  });

  it("compares what the driver lists with the catalogue, as far as MIG is on", async () => {
    const context = fakeVerifyContext(host, { guests: [gpuNode()] });
    expect(await linesOf(verifyCatalogue(context))).toContain(
      `not tried ${NODE} GPU 0: MIG profiles: NVIDIA A100-SXM4-80GB: MIG is off, and the driver lists profiles only while it is on`,
    );
    await machine.run("apply");
    expect(await linesOf(verifyCatalogue(context))).toContain(
      `passed ${NODE} GPU 0: MIG profiles: all 7 profiles of a100-80gb are as in the catalogue; send the listing in the report of --json to the project: it clears the mark \`derived\``,
    );
    machine.change(({ gpus }) => {
      const profile = gpus[0]?.profiles.find(({ name }) => name === "2g.20gb");
      if (profile !== undefined) profile.starts = [0, 2];
    });
    const lines = await linesOf(verifyCatalogue(context));
    expect(lines).toContain(
      `failed ${NODE} GPU 0: MIG profiles: a100-80gb differs from the catalogue: 2g.20gb: starts at {0,2,4}:2, in the driver at {0,2}:2; 2g.20gb: 3 fit, in the driver 2`,
    );
  });
});

describe("verify: partitions and jobs", () => {
  it("takes MIG off and on, and finds it again after a reboot, with the node drained meanwhile", async () => {
    await machine.run("apply");
    const before = machine.instances;
    const context = fakeVerifyContext(host, { guests: [controller(), gpuNode()] });
    expect(await linesOf(verifyPartitioning(context))).toEqual([
      `passed ${NODE}: MIG off: no partition is left`,
      `passed ${NODE}: MIG on and cut: as planned`,
      `passed ${NODE}: partitions after a reboot: as planned`,
    ]);
    expect(machine.instances).toEqual(before);
    expect(slurm).toEqual([
      `scontrol update NodeName=${NODE} State=DRAIN Reason=ai-how verify`,
      `scontrol update NodeName=${NODE} State=RESUME`,
    ]);
  });

  it("touches no node with a job, and puts back what a step has left", async () => {
    jobs = ["17", "18"];
    await machine.run("apply");
    const context = fakeVerifyContext(host, { guests: [controller(), gpuNode()] });
    expect(await linesOf(verifyPartitioning(context))).toContain(
      `not tried ${NODE}: MIG off: 2 jobs run on the node; wait for them, then verify again`,
    );
    expect(slurm).toEqual([]);
    jobs = [];
    for await (const { step } of verifyPartitioning(context)) if (step === "MIG off") break;
    expect(machine.instances).toEqual([["3g.40gb@4", ...[0, 1, 2, 3].map((start) => `1g.10gb@${start}`)]]);
    expect(slurm.at(-1)).toBe(`scontrol update NodeName=${NODE} State=RESUME`);
  });

  it("says what a program keeps in use", async () => {
    await machine.run("apply");
    machine.change(({ gpus }) => {
      const [gpu] = gpus as [FakeGpu];
      gpu.clients = [{ pid: 7, name: "dcgm" }];
    });
    const lines = await linesOf(
      verifyPartitioning(fakeVerifyContext(host, { guests: [controller(), gpuNode()] })),
    );
    expect(lines[0]).toMatch(new RegExp(`^failed ${NODE}: MIG off: .*In use by another client`));
  });

  const mig = (...uuids: readonly string[]): string =>
    uuids.map((uuid) => `  MIG 1g.10gb     Device  0: (UUID: MIG-${uuid})\n`).join("");
  const answers = (...said: readonly string[]): string =>
    said.map((text, index) => `job ${index + 1} 0\nGPU 0: NVIDIA A100 (UUID: GPU-1)\n${text}`).join("");
  const four = answers(mig("a"), mig("b"), mig("c"), mig("d"));
  const three = answers("  MIG 3g.40gb     Device  0: (UUID: MIG-e)\n");
  async function jobLines(ofSmall: FakeAnswer): Promise<string[]> {
    const guests = [controller({ "gpu:1g.10gb:1": ofSmall, "gpu:3g.40gb:1": three }), gpuNode()];
    return linesOf(verifyJobs(fakeVerifyContext(host, { guests })));
  }

  it("runs a job on each partition, all of a kind at once", async () => {
    expect(await jobLines(four)).toEqual([
      `passed ${NODE}: jobs on 1 x 3g.40gb: the job saw one device: MIG-e`,
      `passed ${NODE}: jobs on 4 x 1g.10gb: each job saw one device, no two the same: MIG-a, MIG-b, MIG-c, MIG-d`,
      `not tried ${OTHER}: jobs on 1 x h100: the stack is not up: run \`ai-how up\`, then verify again`,
    ]);
  });

  it.each([
    [
      "a job sees two",
      answers(mig("a", "b"), mig("b"), mig("c"), mig("d")),
      "job 1 sees 2 devices instead of 1",
    ],
    ["a job sees none", answers("", mig("b"), mig("c"), mig("d")), "job 1 sees 0 devices instead of 1"],
    ["two see the same", answers(mig("a"), mig("a"), mig("c"), mig("d")), "4 jobs saw 3 of 4 devices"],
    [
      "one does not run",
      "job 1 1\nsrun: error: Unable to allocate resources: Immediate execution failed\n",
      "job 1: srun: error: Unable to allocate resources: Immediate execution failed",
    ],
  ])("says so where %s", async (_name, said, expected) => {
    expect((await jobLines(said))[1]).toBe(`failed ${NODE}: jobs on 4 x 1g.10gb: ${expected}`);
  });
});
