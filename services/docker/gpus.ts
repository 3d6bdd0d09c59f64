import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import type { RuntimeProgram } from "./runtime.ts";

/** GPUs for a container: all, none, or a list of indices and UUIDs of GPUs or MIG partitions. */
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
  /** Undefined for a MIG partition. */
  readonly index?: string;
  readonly uuid: string;
}

/** Parses the output of `nvidia-smi -L`. */
export function parseGpuList(text: string): ListedGpu[] {
  return text.split("\n").flatMap((line) => {
    const [, index, uuid] = /^(?:GPU (\d+)|\s+MIG ).*\(UUID: ([^)]+)\)/.exec(line) ?? [];
    return uuid === undefined ? [] : [{ uuid, ...(index !== undefined && { index }) }];
  });
}

/** The GPUs of this host; none if the driver is missing or does not answer. */
export async function hostGpus(): Promise<ListedGpu[]> {
  const { stdout, failed } = await execa("nvidia-smi", ["-L"], { reject: false, timeout: 30_000 });
  return failed ? [] : parseGpuList(stdout);
}

/**
 * Checks that the host has the selected GPUs.
 * @throws UserError if one is missing
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

/** Arguments of the container runtime: `--gpus` for Docker, names of the Container Device Interface for Podman. */
export function gpuArguments(program: RuntimeProgram, selection: GpuSelection): string[] {
  if (selection === "none") return [];
  if (program === "podman")
    return (selection === "all" ? ["all"] : selection).flatMap((id) => ["--device", `nvidia.com/gpu=${id}`]);
  // Docker parses the value as CSV, so a list needs quotes.
  return ["--gpus", selection === "all" ? "all" : `"device=${selection.join(",")}"`];
}
