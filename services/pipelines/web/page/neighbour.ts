import type { StepView } from "../view.ts";

/** Position of the upper left corner of each step. */
export type Positions = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

export type Direction = "left" | "right" | "up" | "down";

/** The step that an arrow key leads to: left and right along a dependency, otherwise the nearest in that direction. */
export function neighbour(
  steps: readonly StepView[],
  positions: Positions,
  from: string,
  direction: Direction,
): string | undefined {
  const here = positions.get(from);
  if (here === undefined) return undefined;
  const isAcross = direction === "left" || direction === "right";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  const related = new Set(relatedTo(steps, from, direction));
  let best: { id: string; cost: number } | undefined;
  for (const { id } of steps) {
    const there = positions.get(id);
    if (there === undefined || id === from) continue;
    const ahead = sign * (isAcross ? there.x - here.x : there.y - here.y);
    if (ahead <= 1) continue;
    const aside = Math.abs(isAcross ? there.y - here.y : there.x - here.x);
    // Prefers dependents and dependencies to other steps.
    const cost = ahead + 3 * aside + (isAcross && !related.has(id) ? 1_000_000 : 0);
    if (best === undefined || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

function relatedTo(steps: readonly StepView[], from: string, direction: Direction): readonly string[] {
  if (direction === "left") return steps.find(({ id }) => id === from)?.dependsOn ?? [];
  return steps.filter(({ dependsOn }) => dependsOn.includes(from)).map(({ id }) => id);
}
