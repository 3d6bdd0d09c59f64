interface Point {
  readonly x: number;
  readonly y: number;
}

const RADIUS = 12;

/** An SVG path along points, with its corners rounded. */
export function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const parts = [`M${first.x},${first.y}`];
  for (const [index, corner] of rest.entries()) {
    const before = points[index] ?? first;
    const after = rest[index + 1];
    if (after === undefined) {
      parts.push(`L${corner.x},${corner.y}`);
      continue;
    }
    const begin = towards(corner, before);
    const end = towards(corner, after);
    parts.push(`L${begin.x},${begin.y}Q${corner.x},${corner.y} ${end.x},${end.y}`);
  }
  return parts.join("");
}

/** A point near a corner on the way to another one, at most half of the way. */
function towards(corner: Point, other: Point): Point {
  const [x, y] = [other.x - corner.x, other.y - corner.y];
  const length = Math.hypot(x, y);
  const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return { x: corner.x + x * part, y: corner.y + y * part };
}
