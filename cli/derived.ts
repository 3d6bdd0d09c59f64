import type { PlannedGpu } from "../gpu/index.ts";

const MARK = "(derived)";

/** What the mark `(derived)` means, as a line below a table. */
export const DERIVED_MEANING =
  `${MARK}: where partitions begin follows from GPUs of the same geometry and was not read from such a GPU; ` +
  "compare `nvidia-smi mig -lgipp`";

/** True for partitions whose start slices nobody has read from such a GPU. */
export function isDerived({ known, placements }: PlannedGpu): boolean {
  return known?.derived === true && placements.length > 0;
}

/** The text about a GPU's partitions, marked where they are derived. */
export function marked(gpu: PlannedGpu, text: string): string {
  return isDerived(gpu) ? `${text} ${MARK}` : text;
}

/** A GPU's partitions as `profile@slice`, marked where they are derived. */
export function partitionsOf(gpu: PlannedGpu): string {
  return marked(gpu, gpu.placements.map(({ profile, start }) => `${profile.name}@${start}`).join(" "));
}
