import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Context, type InputsOf, ProviderError, resourceType } from "../framework/resource.ts";
import { uuidOf } from "../framework/uuid.ts";

export const virtualGpuSchemas = {
  /** `mdev`: a mediated device, up to Linux 6.7; `vendor-vfio`: a virtual function of its own, from 6.8 on. */
  backend: z.enum(["mdev", "vendor-vfio"]),
  /** PCI address: with `mdev` of what has mediated devices, with `vendor-vfio` of the virtual function. */
  address: z
    .string()
    .regex(/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/, "must be a PCI address such as 0000:3d:00.4"),
  /** Number of the vGPU type, as the driver lists it. */
  type: z.int().positive(),
  /** The kernel's device tree. Default `/sys`. */
  sysfs: z.string().startsWith("/").default("/sys"),
};

export interface VirtualGpuOutputs {
  /** UUID of the mediated device; undefined with `vendor-vfio`. */
  uuid?: string | undefined;
}

type VirtualGpuInputs = InputsOf<typeof virtualGpuSchemas>;
type VirtualGpuState = VirtualGpuInputs & VirtualGpuOutputs;
type VirtualGpuContext = Context<unknown>;

/**
 * `host:index:VirtualGpu`: a slice of a GPU for one VM. A reboot of the host removes it: `read` finds it gone, and the next `up`
 * creates it again. Sources: NVIDIA's vGPU user guide, "Creating a vGPU"; Linux' vfio-mediated-device.rst.
 */
export const virtualGpu = resourceType<unknown, VirtualGpuInputs, VirtualGpuState>({
  token: "host:index:VirtualGpu",
  inputs: virtualGpuSchemas,
  changes: {},
  deleteBeforeReplace: true,
  // Without a URN the UUID would be random.
  foresee: (inputs, { urn }) => (urn === "" ? inputs : stateOf(inputs, urn)),
  identify: (inputs, { urn }) => stateOf(inputs, urn).uuid ?? inputs.address,

  async create(inputs: VirtualGpuInputs, { urn }: VirtualGpuContext) {
    const state = stateOf(inputs, urn);
    await slot(state).take();
    return { id: state.uuid ?? state.address, inputs, state };
  },
  async read(id, last) {
    if (last === undefined || !(await slot(last.state).isOurs())) return undefined;
    return { id, ...last };
  },
  update: (id, was, inputs) => Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } }),
  async delete(_id, { state }) {
    const place = slot(state);
    // Virtual functions are reused: one with another type now belongs to somebody else.
    if (await place.isOurs()) await place.release();
  },
});

function stateOf(inputs: VirtualGpuInputs, urn: string): VirtualGpuState {
  return inputs.backend === "mdev" ? { ...inputs, uuid: uuidOf(urn) } : inputs;
}

/** A place for a virtual GPU. */
interface Slot {
  isOurs(): Promise<boolean>;
  /** Creates it unless it exists. */
  take(): Promise<void>;
  release(): Promise<void>;
}

function slot(gpu: VirtualGpuState): Slot {
  return gpu.uuid === undefined ? virtualFunction(gpu) : mediatedDevice(gpu, gpu.uuid);
}

function mediatedDevice({ sysfs, address, type }: VirtualGpuState, uuid: string): Slot {
  const name = `nvidia-${type}`;
  const offered = join(sysfs, "bus/pci/devices", address, "mdev_supported_types", name);
  const device = join(sysfs, "bus/pci/devices", address, uuid);
  const isOurs = (): Promise<boolean> => Promise.resolve(existsSync(join(offered, "devices", uuid)));
  return {
    isOurs,
    async take() {
      if (await isOurs()) return;
      if (existsSync(device))
        throw new ProviderError(`${address} has ${uuid} already, of another type than ${name}`);
      const free = await readNumber(join(offered, "available_instances"));
      if (free === undefined)
        throw new ProviderError(
          `${address} offers no vGPU type ${name}: see \`ai-how inventory gpu --json\`, and check that the vGPU manager runs`,
        );
      if (free === 0) throw new ProviderError(`${address} has no room for one more vGPU of type ${name}`);
      await write(join(offered, "create"), uuid);
    },
    release: () => write(join(device, "remove"), "1"),
  };
}

function virtualFunction({ sysfs, address, type }: VirtualGpuState): Slot {
  const current = join(sysfs, "bus/pci/devices", address, "nvidia/current_vgpu_type");
  return {
    isOurs: async () => (await readNumber(current)) === type,
    async take() {
      const there = await readNumber(current);
      if (there === type) return;
      if (there === undefined)
        throw new ProviderError(
          `${address} is no virtual function of NVIDIA's vGPU manager: enable SR-IOV with sriov-manage, or use backend mdev`,
        );
      if (there !== 0)
        throw new ProviderError(
          `${address} is a vGPU of type ${there} already; use another virtual function`,
        );
      await write(current, String(type));
    },
    release: () => write(current, "0"),
  };
}

async function readNumber(file: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(file, "utf8"), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes to sysfs; the driver refuses by an error of the write. */
async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new ProviderError(
      `${file}: the driver refuses ${text}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
