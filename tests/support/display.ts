const DONE = /^\S (\S+) (\S+) (created|updated|replaced|deleted|changed outside|gone)\b/gm;

/**
 * What a run did, as it told: `created Container dev-controller-container`, each once, sorted. That the old one of what
 * was replaced is deleted is told by one engine only, and is left out.
 */
export function done(output: string): string[] {
  const lines = new Set([...output.matchAll(DONE)].map(([, type, name, verb]) => `${verb} ${type} ${name}`));
  return [...lines]
    .filter((line) => !line.startsWith("deleted ") || !lines.has(line.replace(/^deleted /, "replaced ")))
    .sort();
}
