import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import type { RuntimeProgram } from "./runtime.ts";

/** GPUs for a container: all, none, or some by index, UUID, or UUID of a MIG partition. */
export type GpuSelection = "all" | "none" | readonly string[];

const ID = /^(\d+|GPU-[0-9a-f-]+|MIG-[0-9a-fA-F-]+|MIG-GPU-[0-9a-f-]+\/\d+\/\d+)$/;

/**
 * `all`, `none`, or `0,GPU-5c8...,MIG-3b1...`.
 * @throws UserError for anything else
 */
export function parseGpuSelection(text: string): GpuSelection {
  if (text === "all" || text === "none") return text;
  const ids = text.split(",").map((id) => id.trim());
  const wrong = ids.find((id) => !ID.test(id));
  if (wrong !== undefined)
    throw new UserError(
      `--gpu: ${wrong === "" ? "an empty name" : wrong} is neither all, none, an index, nor a UUID (GPU-..., MIG-...); \`nvidia-smi -L\` lists them`,
      { exitCode: 2 },
    );
  return [...new Set(ids)];
}

/** A line of `nvidia-smi -L`. */
export interface ListedGpu {
  /** Undefined of a MIG partition. */
  readonly index?: string;
  readonly uuid: string;
}

/** What `nvidia-smi -L` lists. */
export function parseGpuList(text: string): ListedGpu[] {
  return text.split("\n").flatMap((line) => {
    const [, index, uuid] = /^(?:GPU (\d+)|\s+MIG ).*\(UUID: ([^)]+)\)/.exec(line) ?? [];
    return uuid === undefined ? [] : [{ uuid, ...(index !== undefined && { index }) }];
  });
}

/** The GPUs of this host; none where there is no driver, or where it does not answer. */
export async function hostGpus(): Promise<ListedGpu[]> {
  const { stdout, failed } = await execa("nvidia-smi", ["-L"], { reject: false, timeout: 30_000 });
  return failed ? [] : parseGpuList(stdout);
}

/**
 * Refuses what this host does not have.
 * @throws UserError in one line with the remedy
 */
export function checkGpus(selection: GpuSelection, present: readonly ListedGpu[]): void {
  if (selection === "none") return;
  if (present.length === 0)
    throw new UserError(
      "--gpu: `nvidia-smi -L` lists no GPU on this host; install NVIDIA's driver, or give --gpu none",
    );
  if (selection === "all") return;
  const known = new Set(present.flatMap(({ index, uuid }) => (index === undefined ? [uuid] : [index, uuid])));
  const missing = selection.filter((id) => !known.has(id));
  if (missing.length > 0)
    throw new UserError(
      `--gpu: this host has no ${missing.join(", ")}; it has ${present.map(({ index, uuid }) => (index === undefined ? uuid : `${index} (${uuid})`)).join(", ")}`,
    );
}

/** The engine's arguments: Docker's `--gpus`, or the names of the Container Device Interface for Podman. */
export function gpuArguments(program: RuntimeProgram, selection: GpuSelection): string[] {
  if (selection === "none") return [];
  if (program === "podman")
    return (selection === "all" ? ["all"] : selection).flatMap((id) => ["--device", `nvidia.com/gpu=${id}`]);
  // Docker reads the value as a line of CSV, in which a list has to be quoted.
  return ["--gpus", selection === "all" ? "all" : `"device=${selection.join(",")}"`];
}
