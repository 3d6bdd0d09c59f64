import { isObject, revealAll, type Value, type Values } from "../../wire/values.ts";
import type { ResourceRule } from "../rule.ts";

// Types of volumes, with the inputs that give them content from elsewhere, which can be restored.
const VOLUMES: Readonly<Record<string, readonly string[]>> = {
  "libvirt:index:Volume": ["source", "backing"],
  // A bind mount of a folder, which deleting the volume keeps.
  "docker:index/volume:Volume": ["driverOpts.device"],
  "kubernetes:core/v1:PersistentVolumeClaim": ["spec.dataSource", "spec.dataSourceRef"],
};

/** The data in a volume that is created empty cannot be restored after deletion. */
export const protectedData: ResourceRule = {
  name: "protected-data",
  description: "Volumes that hold data are protected.",
  scope: "resource",
  check({ type, properties, protect }) {
    const origins = VOLUMES[type];
    if (protect || origins === undefined || origins.some((path) => has(properties, path))) return [];
    return ["it is created empty, so its data cannot be restored; set the option `protect: true`"];
  },
};

function has(properties: Values, path: string): boolean {
  let here: Value | undefined = revealAll(properties);
  for (const key of path.split(".")) here = isObject(here) ? here[key] : undefined;
  return here !== undefined && here !== null;
}
