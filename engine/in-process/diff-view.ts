import type { ShownDiff } from "../events.ts";
import type { DiffResult } from "./handler.ts";
import { assetName, isObject, isSecret, UNKNOWN, type Value, type Values } from "./values.ts";

const WIDTH = 60;

/** Differences as a person may see them: values shortened, secrets hidden wherever they lie on the path. */
export function showDiffs(diff: DiffResult, was: Values, is: Values): ShownDiff[] {
  return diff.properties.map(({ path, kind }) => {
    const key = path.split(/[.[]/)[0] ?? path;
    const before = kind === "add" ? undefined : show(at(was, path));
    const after = kind === "delete" ? undefined : show(at(is, path));
    return {
      path,
      kind,
      ...(before !== undefined && { was: before }),
      ...(after !== undefined && { is: after }),
      replaces: diff.replaces.includes(key),
    };
  });
}

/** The value at a path; a secret or an asset as a whole when the path leads into it. */
function at(values: Values, path: string): Value | undefined {
  let here: Value | undefined = values;
  for (const part of path.split(/[.[\]]+/).filter((name) => name !== "")) {
    if (here === undefined || isSecret(here) || here === UNKNOWN) return here;
    if (Array.isArray(here)) here = here[Number(part)];
    else if (assetName(here) !== undefined) return here;
    else here = isObject(here) ? here[part] : undefined;
  }
  return here;
}

function show(value: Value | undefined): string {
  if (value === undefined) return "(none)";
  if (value === UNKNOWN) return "(known after up)";
  if (isSecret(value)) return "[secret]";
  const text = JSON.stringify(value, (_key, part: Value) =>
    isSecret(part) ? "[secret]" : part === UNKNOWN ? "(known after up)" : (assetName(part) ?? part),
  );
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}
