import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { nvidiaGpus, planGpus } from "../../../gpu/index.ts";
import { fakeGpu, FakeMachine, type FakeState, type Ran } from "../../support/fake-nvidia.ts";

const where = "GPU 0 at 0000:17:00.0";
const partitions = ["3g.40gb", "1g.10gb", "1g.10gb"];
const { plan } = planGpus(
  [partitions, []].map((migProfiles) => ({
    model: "a100-80gb",
    migProfiles,
    pciAddress: undefined,
    pretended: false,
    count: 1,
  })),
);
const planned = nvidiaGpus(plan, "guest");
const planText = "3g.40gb@0 1g.10gb@4 1g.10gb@5";

let sound: FakeMachine;
beforeAll(async () => {
  sound = new FakeMachine([
    fakeGpu(0, "NVIDIA A100-SXM4-80GB", "a100-80gb", { keepsMode: true }),
    fakeGpu(1, "NVIDIA A100 80GB PCIe", "a100-80gb"),
  ]);
  sound.plan(planned);
  expect(await sound.run("apply")).toMatchObject({ exitCode: 0, stderr: "" });
});
afterAll(() => {
  sound.remove();
});

/** A machine that was as planned before something happened to it. */
async function broken(happens: (state: FakeState) => void, then: (machine: FakeMachine) => Promise<void>): Promise<void> {
  const machine = new FakeMachine(sound);
  try {
    machine.change(happens);
    await then(machine);
  } finally {
    machine.remove();
  }
}

const first = (state: FakeState) => {
  const [gpu] = state.gpus;
  if (gpu === undefined) throw new Error("there is no GPU");
  return gpu;
};
const busy = [{ pid: 4711, name: "/usr/bin/python3" }];

/** What happens, what is said of it, and whether applying the plan mends it. */
const mismatches: Readonly<Record<string, [(state: FakeState) => void, string, mended: "mended" | "left"]>> = {
  "another model": [
    (state) => Object.assign(first(state), { name: "NVIDIA H100 PCIe" }),
    `${where}: model: planned A100 80GB, found NVIDIA H100 PCIe`,
    "left",
  ],
  "the smaller part of the same model": [
    (state) => Object.assign(first(state), { name: "NVIDIA A100-SXM4-40GB", memory: 40960 }),
    `${where}: memory: planned 80 GB, found 40960 MiB (NVIDIA A100-SXM4-40GB)`,
    "left",
  ],
  "a GPU that is missing": [
    (state) => void state.gpus.pop(),
    "GPU 1: GPU: planned A100 80GB, found none; there is NVIDIA A100-SXM4-80GB at 0000:17:00.0",
    "left",
  ],
  "one GPU too many": [
    (state) => void state.gpus.push(fakeGpu(2, "NVIDIA L4")),
    "machine: GPUs: planned 2, found 3, in no plan: NVIDIA L4 at 0000:37:00.0",
    "left",
  ],
  "no GPU at all": [
    (state) => void state.gpus.splice(0),
    "GPU 0: GPU: planned A100 80GB, found none; there is no GPU",
    "left",
  ],
  "a driver that is too old": [
    (state) => (state.driver = "450.51.06"),
    `${where}: driver: planned 450.80.02 or newer, found 450.51.06`,
    "left",
  ],
  "MIG switched off": [
    (state) => Object.assign(first(state), { mig: "Disabled", pending: "Disabled", instances: [] }),
    `${where}: MIG mode: planned enabled, found disabled`,
    "mended",
  ],
  "a change of mode that waits for a reset": [
    (state) => Object.assign(first(state), { pending: "Disabled" }),
    `${where}: MIG mode: planned enabled, found enabled, pending disabled`,
    "mended",
  ],
  "MIG on a GPU that is planned whole": [
    (state) => Object.assign(state.gpus[1] ?? {}, { mig: "Enabled", pending: "Enabled" }),
    "GPU 1 at 0000:27:00.0: MIG mode: planned disabled, found enabled",
    "mended",
  ],
  "no instances": [
    (state) => Object.assign(first(state), { instances: [] }),
    `${where}: partitions: planned ${planText}, found none`,
    "mended",
  ],
  "a foreign instance beside ours": [
    (state) =>
      void first(state).instances.push({
        id: 13,
        profile: "1g.10gb",
        start: 6,
        compute: [{ id: 0, name: "1g.10gb" }],
      }),
    `${where}: partitions: planned ${planText}, found 3g.40gb@0 1g.10gb@4 1g.10gb@5 1g.10gb@6`,
    "mended",
  ],
  "an instance at another start": [
    (state) => Object.assign(first(state).instances[2] ?? {}, { start: 6, id: 13 }),
    `${where}: partitions: planned ${planText}, found 3g.40gb@0 1g.10gb@4 1g.10gb@6`,
    "mended",
  ],
  "an instance of another profile": [
    (state) => Object.assign(first(state).instances[0] ?? {}, { profile: "4g.40gb" }),
    `${where}: partitions: planned ${planText}, found 4g.40gb@0 1g.10gb@4 1g.10gb@5`,
    "mended",
  ],
  "an instance without its compute instance": [
    (state) => Object.assign(first(state).instances[1] ?? {}, { compute: [] }),
    `${where}: partitions: planned ${planText}, found 3g.40gb@0 1g.10gb@4 (compute instances: none) 1g.10gb@5`,
    "mended",
  ],
  "an instance of which compute instances have a part each": [
    (state) =>
      Object.assign(first(state).instances[0] ?? {}, {
        compute: [
          { id: 0, name: "1c.3g.40gb" },
          { id: 1, name: "2c.3g.40gb" },
        ],
      }),
    "found 3g.40gb@0 (compute instances: 1c.3g.40gb 2c.3g.40gb) 1g.10gb@4 1g.10gb@5",
    "mended",
  ],
  "a GPU that needs a reset": [
    (state) => Object.assign(first(state), { recovery: "Reset" }),
    `${where}: state: planned usable, found the driver asks for: Reset`,
    "left",
  ],
  "a GPU without its device node": [
    (state) => Object.assign(first(state), { nodeMissing: true }),
    "/dev/nvidia0, found none",
    "left",
  ],
  "a GPU that has lost MIG": [
    (state) => Object.assign(first(state), { profiles: [], mig: "N/A", pending: "N/A", instances: [] }),
    `${where}: partitions: planned ${planText}, found a GPU without MIG (NVIDIA A100-SXM4-80GB)`,
    "left",
  ],
};

describe("a difference between plan and GPUs", () => {
  test.each(Object.entries(mismatches))("%s", async (_name, [happens, message, mended]) => {
    await broken(happens, async (machine) => {
      const verified = await machine.run("verify");
      expect(verified).toMatchObject({ exitCode: 1, stdout: "", changes: [] });
      expect(verified.stderr).toContain(message);
      // Both in full, for whoever has to decide which of them is wrong.
      expect(verified.stderr).toContain(`planned:\n  0  any address  A100 80GB  driver 450.80.02 or newer  MIG ${planText}`);
      expect(verified.stderr).toMatch(/\nfound:\n {2}\S/);
      const before = machine.state;
      const applied = await machine.run("apply");
      if (mended === "mended") {
        expect(applied).toMatchObject({ exitCode: 0, stderr: "" });
        expect(machine.instances).toEqual(sound.instances);
      } else {
        expect(applied).toMatchObject({ exitCode: 1, changes: [] });
        expect(applied.stderr).toContain(message);
        expect(machine.state).toEqual(before);
      }
    });
  });

  it("is said in one line for SLURM", async () => {
    const happens = (state: FakeState) => Object.assign(first(state), { instances: [], name: "NVIDIA L4" });
    await broken(happens, async (machine) => {
      expect(await machine.run("verify", { args: ["--line"] })).toMatchObject({
        exitCode: 1,
        stdout:
          `GPUs differ from the plan: ${where}: model: planned A100 80GB, found NVIDIA L4; ` +
          `${where}: partitions: planned ${planText}, found none`,
        stderr: "",
      });
    });
  });

  it("is left as it is while a program uses the GPU, said in one line", async () => {
    const happens = (state: FakeState) =>
      Object.assign(first(state), { mig: "Disabled", pending: "Disabled", instances: [], clients: busy });
    await broken(happens, async (machine) => {
      const ran = await machine.run("apply");
      expect(ran).toMatchObject({ exitCode: 1, stdout: "", changes: [] });
      expect(ran.stderr).toBe(`${where} is in use by /usr/bin/python3 (4711): nothing was changed`);
    });
  });

  it("is no reason to touch a GPU in use that is as planned", async () => {
    await broken(
      (state) => Object.assign(first(state), { clients: busy }),
      async (machine) => {
        expect(await machine.run("apply")).toMatchObject({ exitCode: 0, changes: [] });
      },
    );
  });

  it("is none when other GPUs are allowed", async () => {
    await broken(
      (state) => void state.gpus.push(fakeGpu(2, "NVIDIA T400 4GB")),
      async (machine) => {
        machine.plan(planned, { other_gpus_allowed: true });
        expect(await machine.run("verify")).toMatchObject({ exitCode: 0 });
      },
    );
  });
});

/** What the driver does wrong, and what is said of it. */
const faults: Readonly<Record<string, [(state: FakeState) => void, string | RegExp]>> = {
  "a driver that is not loaded": [
    (state) =>
      (state.faults["*"] = {
        exit: 9,
        say: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
      }),
    /^nvidia-smi -q -x: exit code 9, NVIDIA's driver is not loaded: NVIDIA-SMI has failed because it couldn't communicate/,
  ],
  "a GPU that has fallen off the bus": [
    (state) =>
      (state.faults["-q"] = {
        exit: 15,
        say: "Unable to determine the device handle for GPU 0000:17:00.0: GPU is lost.  Reboot the system to recover this GPU",
      }),
    /^nvidia-smi -q -x: exit code 15, a GPU has fallen off the bus .*: Unable to determine .* GPU is lost\./,
  ],
  "a GPU that only the count still has": [
    (state) => (first(state).lost = true),
    "the driver counts 2 GPUs and shows 1: one is lost; Unable to determine the device handle for GPU0: 0000:17:00.0: Unknown Error",
  ],
  "an nvidia-smi that hangs": [
    (state) => (state.faults["-q"] = { sleep: 60, say: "" }),
    "nvidia-smi -q -x: no answer after 2 s; the driver or a GPU hangs, see the kernel's log",
  ],
  "an answer that is not XML": [
    (state) => (state.faults["-q"] = { say: '<?xml version="1.0" ?>\n<nvidia_smi_log><gpu id=' }),
    /^nvidia-smi -q -x: not XML \(.*\): <\?xml version="1.0" \?>$/,
  ],
  "a table in another form": [
    (state) => (state.faults["-lgi"] = { say: "|   0  MIG 1g.10gb | profile 19 | instance 9 | 4:1 |" }),
    "nvidia-smi mig -lgi: cannot read the line '|   0  MIG 1g.10gb | profile 19 | instance 9 | 4:1 |'",
  ],
};

describe("a driver that fails", () => {
  test.each(Object.entries(faults))("%s", async (_name, [happens, message]) => {
    await broken(happens, async (machine) => {
      const verified = await machine.run("verify", { args: ["--line", "--timeout", "2"] });
      expect(verified).toMatchObject({ exitCode: 1, stderr: "" });
      const applied = await machine.run("apply", { args: ["--timeout", "2"] });
      expect(applied).toMatchObject({ exitCode: 1, stdout: "", changes: [] });
      expect(applied.stderr).toMatch(message);
      expect(verified.stdout).toBe(`GPUs cannot be verified: ${applied.stderr}`);
      // Nobody is offered what nobody has seen.
      expect(machine.file("run/ai-how/gres.conf")).not.toContain("Name=gpu");
    });
  });

  it("or is not there at all", async () => {
    const empty = mkdtempSync(join(tmpdir(), "ai-how-empty-"));
    await broken(
      () => undefined,
      async (machine) => {
        // The interpreter is found before the path is replaced.
        const ran = await machine.run("verify", { path: empty });
        expect(ran.stderr).toBe("nvidia-smi is not there: NVIDIA's driver is not installed");
      },
    ).finally(() => {
      rmSync(empty, { recursive: true });
    });
  });

  it("or does not know a planned profile, or knows it by another number: nothing is destroyed", async () => {
    const clear = (state: FakeState) => Object.assign(first(state), { instances: first(state).instances.slice(0, 1) });
    const cases: [(state: FakeState) => void, string][] = [
      [
        (state) => (first(state).profiles = first(state).profiles.filter(({ name }) => name !== "1g.10gb")),
        `${where}: planned profile 1g.10gb, which this driver does not have; it has 7g.80gb, 4g.40gb, 3g.40gb, 2g.20gb, 1g.20gb, 1g.10gb+me`,
      ],
      [
        (state) => (first(state).profiles = first(state).profiles.map((p) => (p.id === 19 ? { ...p, id: 47 } : p))),
        `${where}: planned profile 1g.10gb as number 19, this driver has it as 47`,
      ],
    ];
    for (const [happens, message] of cases) {
      await broken(
        (state) => {
          clear(state);
          happens(state);
        },
        async (machine) => {
          expect(await machine.run("apply")).toMatchObject({ exitCode: 1, stderr: message, changes: [] });
        },
      );
    }
  });
});

/** A plan's text, and what is said of it. */
const malformed: Readonly<Record<string, [string, string]>> = {
  "no JSON": ["{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
  "no object": ["[]", "plan: [] is not an object"],
  "another version": ['{"version": 2, "gpus": []}', "version: 2 is not 1, the only one that this program knows"],
  "an unknown key": ['{"version": 1, "gpu": []}', "plan.gpu: unknown; there are gpus, other_gpus_allowed, version"],
  "a GPU that is nowhere": [
    '{"version": 1, "gpus": [{"model": "A30"}]}',
    "gpus[0]: neither index nor pci_address says which GPU it is",
  ],
  "a GPU planned twice": [
    '{"version": 1, "gpus": [{"index": 0}, {"index": 0}]}',
    "gpus[1]: GPU 0 is planned twice",
  ],
  "a start that is no number": [
    '{"version": 1, "gpus": [{"index": 0, "partitions": [{"profile": "1g.10gb", "start": "4"}]}]}',
    "gpus[0].partitions[0].start: '4' is not a number from 0 on",
  ],
  "a partition without profile": [
    '{"version": 1, "gpus": [{"index": 0, "partitions": [{"start": 4}]}]}',
    "gpus[0].partitions[0].profile: missing",
  ],
};

describe("a plan that is none", () => {
  const judge = async (judged: (machine: FakeMachine) => Promise<Ran>): Promise<Ran> => {
    const machine = new FakeMachine([fakeGpu(0, "NVIDIA A30", "a30")]);
    try {
      const ran = await judged(machine);
      return { ...ran, stderr: ran.stderr.replaceAll(`${machine.root}/etc/ai-how/gpu-plan.json: `, "") };
    } finally {
      machine.remove();
    }
  };

  test.each(Object.entries(malformed))("%s", async (_name, [text, message]) => {
    const ran = await judge((machine) => {
      machine.planText(text);
      return machine.run("apply");
    });
    expect(ran).toMatchObject({ exitCode: 2, stdout: "", stderr: message, changes: [] });
  });

  it("every problem, one line each", async () => {
    const { stderr } = await judge((machine) => {
      machine.planText('{"version": 0, "gpus": [{"index": -1, "minimum_driver": "new"}], "extra": 1}');
      return machine.run("verify");
    });
    expect(stderr.split("\n")).toHaveLength(5);
  });

  it("no file", async () => {
    expect(await judge((machine) => machine.run("verify"))).toMatchObject({ exitCode: 2 });
  });
});
