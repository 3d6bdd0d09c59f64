import { execa } from "execa";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { findGpuModel, type NvidiaGpu } from "../../gpu/index.ts";

const repository = resolve(import.meta.dirname, "../..");

/** The fake program's folder: `nvidia-smi` and nothing else. */
export const fakeDriver = join(import.meta.dirname, "fake-nvidia");
const program = join(repository, "ansible/roles/nvidia/files/gpus");

const instance = z.object({
  id: z.int(),
  profile: z.string(),
  start: z.int(),
  compute: z.array(z.object({ id: z.int(), name: z.string() })),
});
const mode = z.enum(["Enabled", "Disabled", "N/A"]);
const fakeGpuSchema = z.object({
  /** As nvidia-smi writes it: `00000000:17:00.0`. */
  address: z.string(),
  name: z.string(),
  /** MiB. */
  memory: z.int(),
  /** Number of its device node. */
  minor: z.int(),
  mig: mode,
  pending: mode,
  /** Whether a reboot leaves MIG on: Ampere does. */
  keepsMode: z.boolean(),
  /** Whether the driver resets the GPU when MIG is switched. */
  resetsItself: z.boolean(),
  canBeReset: z.boolean(),
  recovery: z.string(),
  clients: z.array(z.object({ pid: z.int(), name: z.string() })),
  instances: z.array(instance),
  slices: z.int(),
  profiles: z.array(
    z.object({
      name: z.string(),
      id: z.int(),
      size: z.int(),
      starts: z.array(z.int()),
      engine: z.string().nullable(),
    }),
  ),
  lost: z.boolean(),
  nodeMissing: z.boolean(),
});
const fakeStateSchema = z.object({
  driver: z.string(),
  /** Whether the driver makes no device nodes: something else has to. Default false. */
  noNodes: z.boolean().optional(),
  gpus: z.array(fakeGpuSchema),
  /** What goes wrong, by a part of nvidia-smi's arguments or `*`: seconds that it sleeps, exit code and words. */
  faults: z.record(
    z.string(),
    z.object({ sleep: z.number().optional(), exit: z.int().optional(), say: z.string().optional() }),
  ),
});

export type FakeGpu = z.output<typeof fakeGpuSchema>;
export type FakeState = z.output<typeof fakeStateSchema>;

/** A fake GPU with the geometry of the catalogue, at the address of its number; a model without MIG has no profiles. */
export function fakeGpu(number: number, name: string, model?: string, more: Partial<FakeGpu> = {}): FakeGpu {
  const known = model === undefined ? undefined : findGpuModel(model);
  const whole = known?.geometry.profiles.find(({ size }) => size === known.geometry.slices);
  return {
    address: `00000000:${(0x17 + number * 0x10).toString(16).toUpperCase().padStart(2, "0")}:00.0`,
    name,
    memory: Number(/\.(\d+)gb/.exec(whole?.name ?? ".24gb")?.[1]) * 1024,
    minor: number,
    mig: known === undefined ? "N/A" : "Disabled",
    pending: known === undefined ? "N/A" : "Disabled",
    keepsMode: false,
    resetsItself: true,
    canBeReset: true,
    recovery: "None",
    clients: [],
    instances: [],
    slices: known?.geometry.slices ?? 0,
    // A profile whose number no source gives has one that nobody else has.
    profiles: (known?.geometry.profiles ?? []).map(({ name, id, size, starts, engine }, index) => ({
      name,
      id: id ?? 90 + index,
      size,
      starts: [...starts],
      engine: engine ?? null,
    })),
    lost: false,
    nodeMissing: false,
    ...more,
  };
}

/** What a run of `ai-how-gpus` did. */
export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The calls of nvidia-smi that change something. */
  readonly changes: readonly string[];
}

/** A machine in a temporary folder whose NVIDIA driver is fake, with the real `ai-how-gpus` on it; new, or another's copy. */
export class FakeMachine {
  readonly root = mkdtempSync(join(tmpdir(), "ai-how-fake-nvidia-"));
  readonly #fake = join(this.root, "fake");

  constructor(gpus: readonly FakeGpu[] | FakeMachine, driver = "580.173.02") {
    if (gpus instanceof FakeMachine) {
      cpSync(gpus.root, this.root, { recursive: true });
      return;
    }
    for (const folder of ["fake", "etc/ai-how", "proc/driver"])
      mkdirSync(join(this.root, folder), { recursive: true });
    this.#write({ driver, gpus: [...gpus], faults: {} });
  }

  get state(): FakeState {
    return fakeStateSchema.parse(JSON.parse(readFileSync(join(this.#fake, "state.json"), "utf8")));
  }

  /** Changes what the driver is, as if somebody else had. */
  change(change: (state: FakeState) => void): void {
    const { state } = this;
    change(state);
    this.#write(state);
  }

  /** Of each GPU, `profile@start` of its instances in the order of their creation. */
  get instances(): string[][] {
    return this.state.gpus.map(({ instances }) =>
      instances.map(({ profile, start }) => `${profile}@${start}`),
    );
  }

  /** The machine's file. */
  file(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  plan(gpus: readonly NvidiaGpu[], more: object = {}): void {
    this.planText(JSON.stringify({ version: 1, gpus, ...more }));
  }

  planText(text: string): void {
    writeFileSync(join(this.root, "etc/ai-how/gpu-plan.json"), text);
  }

  /** What a reboot leaves: no instance, nothing in /run. */
  reboot(): void {
    for (const folder of ["run", "proc/driver/nvidia", "dev"])
      rmSync(join(this.root, folder), { recursive: true, force: true });
  }

  async run(action: "apply" | "verify", options: { args?: string[]; path?: string } = {}): Promise<Ran> {
    const log = join(this.#fake, "calls.log");
    appendFileSync(log, "");
    const before = readFileSync(log, "utf8").length;
    const command = ["/usr/bin/python3", program, action, "--root", this.root, ...(options.args ?? [])];
    const { exitCode, stdout, stderr } = await this.execute(command, options.path);
    const calls = readFileSync(log, "utf8").slice(before).split("\n");
    const changes = calls.filter((call) => /-mig|-cgi|-dci|-dgi|reset/.test(call));
    return { exitCode, stdout, stderr, changes };
  }

  /** Runs a program of the machine's, `nvidia-smi` for one. */
  async execute(
    [file = "", ...args]: readonly string[],
    path = `${fakeDriver}:/usr/bin:/bin`,
  ): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
    const { exitCode, stdout, stderr } = await execa(file, args, {
      reject: false,
      extendEnv: false,
      env: {
        PATH: path,
        PYTHONDONTWRITEBYTECODE: "1",
        FAKE_NVIDIA: this.#fake,
        FAKE_NVIDIA_RUN: join(this.root, "run/fake-nvidia"),
        FAKE_NVIDIA_ROOT: this.root,
      },
    });
    return { exitCode, stdout, stderr };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #write(state: FakeState): void {
    writeFileSync(join(this.#fake, "state.json"), JSON.stringify(fakeStateSchema.parse(state)));
  }
}
