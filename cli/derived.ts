import type { PlannedGpu } from "../gpu/index.ts";

const MARK = "(derived)";

/** Explains the mark `(derived)` in one line below a table. */
export const DERIVED_MEANING =
  `${MARK}: the start slices come from GPUs of the same geometry and were not read from this model; ` +
  "compare with `nvidia-smi mig -lgipp`";

/** True if the start slices of the partitions were not read from a GPU of this model. */
export function isDerived({ known, placements }: PlannedGpu): boolean {
  return known?.derived === true && placements.length > 0;
}

/** Adds the mark `(derived)` to a text about a GPU's partitions if they are derived. */
export function withDerivedMark(gpu: PlannedGpu, text: string): string {
  return isDerived(gpu) ? `${text} ${MARK}` : text;
}

/** A GPU's partitions as `profile@slice`, with the mark `(derived)` if they are derived. */
export function partitionsOf(gpu: PlannedGpu): string {
  return withDerivedMark(
    gpu,
    gpu.placements.map(({ profile, start }) => `${profile.name}@${start}`).join(" "),
  );
}
