import { isObject, revealAll, type Value, type Values } from "../../wire/values.ts";
import type { ResourceRule } from "../rule.ts";

// What holds data, and the inputs by which its content comes from elsewhere, so that it can be made again.
const VOLUMES: Readonly<Record<string, readonly string[]>> = {
  "libvirt:index:Volume": ["source", "backing"],
  // With `o: bind`, a name for a folder, which stays.
  "docker:index/volume:Volume": ["driverOpts.device"],
  "kubernetes:core/v1:PersistentVolumeClaim": ["spec.dataSource", "spec.dataSourceRef"],
};

/** A volume that begins empty is filled by its users, and nothing brings that back. */
export const protectedData: ResourceRule = {
  name: "protected-data",
  description: "Volumes that hold data are protected.",
  scope: "resource",
  check({ type, properties, protect }) {
    const origins = VOLUMES[type];
    if (protect || origins === undefined || origins.some((path) => has(properties, path))) return [];
    return ["it begins empty, so nothing makes its content again; give it the option `protect: true`"];
  },
};

function has(properties: Values, path: string): boolean {
  let here: Value | undefined = revealAll(properties);
  for (const key of path.split(".")) here = isObject(here) ? here[key] : undefined;
  return here !== undefined && here !== null;
}
