import { existsSync } from "node:fs";
import { execa } from "execa";
import which from "which";
import { UserError } from "../../config/errors.ts";
import type { ContainerRuntime } from "../docker/runtime.ts";
import { hostGpus, type GpuSelection } from "../docker/gpus.ts";

const CUDA = "12.9";
// Where Podman reads the Container Device Interface's specification of NVIDIA's GPUs.
const CDI_FILES = ["/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml"];

/** GPUs for a container, or the reason why it gets none. */
export interface UsableGpus {
  readonly gpus: GpuSelection;
  /** One line; undefined if it gets GPUs or SYGALDRY_GPU is false. */
  readonly reason?: string;
}

/**
 * All GPUs of the host, if a container with the required CUDA version can use them.
 * @throws UserError if SYGALDRY_REQUIRED_CUDA_VERSION is not a version
 */
export async function usableGpus(runtime: ContainerRuntime): Promise<UsableGpus> {
  if (process.env.SYGALDRY_GPU === "false") return { gpus: "none" };
  const reason = await reasonAgainst(runtime);
  return reason === undefined ? { gpus: "all" } : { gpus: "none", reason };
}

async function reasonAgainst(runtime: ContainerRuntime): Promise<string | undefined> {
  const required = process.env.SYGALDRY_REQUIRED_CUDA_VERSION ?? CUDA;
  if (!/^\d+(\.\d+)*$/.test(required))
    throw new UserError(`SYGALDRY_REQUIRED_CUDA_VERSION: ${required} is not a version such as ${CUDA}`, {
      exitCode: 2,
    });
  if ((await hostGpus()).length === 0) return "`nvidia-smi -L` lists none on this host";
  const cuda = await driverCuda();
  if (cuda === undefined) return "the driver does not report a CUDA version";
  if (isOlder(cuda, required))
    return `the driver supports CUDA ${cuda}, and ${required} is required (SYGALDRY_REQUIRED_CUDA_VERSION)`;
  if (!(await hasToolkit(runtime)))
    return `${runtime.place.program} cannot pass GPUs to containers: install NVIDIA's container toolkit (\`ai-how doctor gpu\` says how)`;
  return undefined;
}

/** The newest CUDA version that the driver supports: `12.9`. */
async function driverCuda(): Promise<string | undefined> {
  const { stdout, failed } = await execa("nvidia-smi", ["-q", "-x"], { reject: false, timeout: 30_000 });
  return failed ? undefined : /<cuda_version>\s*(\d+(?:\.\d+)*)\s*</.exec(stdout)?.[1];
}

/** Whether a version is older than another: 12.10 is newer than 12.9. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

async function hasToolkit(runtime: ContainerRuntime): Promise<boolean> {
  if (runtime.place.program === "podman") return CDI_FILES.some((file) => existsSync(file));
  // Docker needs either the hook or a configured runtime.
  return (
    (await which("nvidia-container-runtime-hook", { nothrow: true })) !== null ||
    (await runtime.runtimes()).includes("nvidia")
  );
}
