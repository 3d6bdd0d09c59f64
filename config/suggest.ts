import { distance } from "fastest-levenshtein";

/** Maximum number of candidates in a message. */
const LISTED = 16;

/** The candidate nearest to a mistyped word. Undefined if none is near, or two are equally near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const [best, next] = candidates
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  if (best === undefined || best.edits === next?.edits) return undefined;
  return best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** `did you mean controller?`, or a list of the candidates if none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const guess = nearest(word, candidates);
  if (guess !== undefined) return `did you mean ${guess}?`;
  if (candidates.length === 0) return "there is none";
  if (candidates.length > LISTED) {
    return `there are ${candidates.slice(0, LISTED).join(", ")} and ${candidates.length - LISTED} more`;
  }
  return candidates.length === 1
    ? `there is only ${candidates.join()}`
    : `there are ${candidates.join(", ")}`;
}
