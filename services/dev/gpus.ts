import { existsSync } from "node:fs";
import { execa } from "execa";
import which from "which";
import { UserError } from "../../config/errors.ts";
import type { ContainerRuntime } from "../docker/runtime.ts";
import { hostGpus, type GpuSelection } from "../docker/gpus.ts";

const CUDA = "12.9";
// Where Podman finds what the Container Device Interface says of NVIDIA's GPUs.
const CDI_FILES = ["/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml"];

/** GPUs for a container, or why it gets none. */
export interface UsableGpus {
  readonly gpus: GpuSelection;
  /** One line; undefined where there are some, or where nobody wanted them. */
  readonly reason?: string;
}

/**
 * Every GPU of the host, where a container of CUDA's image could compute on them.
 * @throws UserError for a SYGALDRY_REQUIRED_CUDA_VERSION that is no version
 */
export async function usableGpus(engine: ContainerRuntime): Promise<UsableGpus> {
  if (process.env.SYGALDRY_GPU === "false") return { gpus: "none" };
  const reason = await lacking(engine);
  return reason === undefined ? { gpus: "all" } : { gpus: "none", reason };
}

async function lacking(engine: ContainerRuntime): Promise<string | undefined> {
  const required = process.env.SYGALDRY_REQUIRED_CUDA_VERSION ?? CUDA;
  if (!/^\d+(\.\d+)*$/.test(required))
    throw new UserError(`SYGALDRY_REQUIRED_CUDA_VERSION: ${required} is no version such as ${CUDA}`, {
      exitCode: 2,
    });
  if ((await hostGpus()).length === 0) return "`nvidia-smi -L` lists none on this host";
  const cuda = await driverCuda();
  if (cuda === undefined) return "the driver does not say which CUDA it knows";
  if (isOlder(cuda, required))
    return `the driver knows CUDA ${cuda}, and ${required} is required (SYGALDRY_REQUIRED_CUDA_VERSION)`;
  if (!(await hasToolkit(engine)))
    return `${engine.place.program} cannot hand GPUs over: install NVIDIA's container toolkit (\`ai-how doctor gpu\` says how)`;
  return undefined;
}

/** The newest CUDA that the driver knows, `12.9`. */
async function driverCuda(): Promise<string | undefined> {
  const { stdout, failed } = await execa("nvidia-smi", ["-q", "-x"], { reject: false, timeout: 30_000 });
  return failed ? undefined : /<cuda_version>\s*(\d+(?:\.\d+)*)\s*</.exec(stdout)?.[1];
}

/** Whether a version comes before another: 12.10 does not come before 12.9. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

async function hasToolkit(engine: ContainerRuntime): Promise<boolean> {
  if (engine.place.program === "podman") return CDI_FILES.some((file) => existsSync(file));
  // Docker takes either: a runtime that somebody has configured, or the hook beside the daemon.
  return (
    (await which("nvidia-container-runtime-hook", { nothrow: true })) !== null ||
    (await engine.runtimes()).includes("nvidia")
  );
}
