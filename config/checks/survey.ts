import { safeParse, type $ZodShape, type output } from "zod/v4/core";
import { fullName, hasGpu, shortNames, type NodeNameParts } from "../naming.ts";
import { joinPath } from "../problem.ts";
import { cloudCluster, hpcCluster } from "../schema/cluster.ts";
import { clusterFile, hostBudget } from "../schema/cluster-file.ts";
import { accelerationOptions } from "../schema/hardware.ts";
import { network } from "../schema/network.ts";
import { nodeFields } from "../schema/node.ts";
import { slurmConfig } from "../schema/slurm.ts";
import { storage } from "../schema/storage.ts";
import { devEnvironment, temporal, temporalOnKubernetes } from "../schema/workshop.ts";

// The checks that compare parts of a file run even if other parts are invalid, so that one run reports every problem.
// They work on a survey, which holds only the values that are valid by themselves. The schema reports the others.

type Fields<Shape extends $ZodShape> = { readonly [K in keyof Shape]?: output<Shape[K]> };

/** A map of the file, with its valid values. */
export interface Part<Shape extends $ZodShape> {
  /** Path of the map in the file. */
  readonly path: string;
  readonly fields: Fields<Shape>;
  /** Every key of the map, valid or not. */
  readonly keys: ReadonlySet<string>;
}

/** A node. A group yields one for each of its VMs, all with the path of the group. */
export interface SurveyedNode extends Part<typeof nodeFields>, NodeNameParts {
  readonly shortName: string;
  /** Full name; `<kind>-<short name>` if the cluster has no valid name. */
  readonly name: string;
  /** False if the node is not a map; then its other fields are empty. */
  readonly isReadable: boolean;
  /** True for an existing host, reached by SSH. */
  readonly isHost: boolean;
  /** Path of its address. */
  readonly addressPath: string;
}

export interface SurveyedCluster {
  readonly kind: "hpc" | "cloud";
  readonly path: string;
  readonly keys: ReadonlySet<string>;
  readonly name: string | undefined;
  readonly network: Part<typeof network.shape> | undefined;
  readonly acceleration: Part<typeof accelerationOptions.shape> | undefined;
  readonly slurm: Part<typeof slurmConfig.shape> | undefined;
  readonly storage: Part<typeof storage.shape> | undefined;
  readonly nodes: readonly SurveyedNode[];
  /** False if the nodes are neither a list nor a map, so that their names are unknown. */
  readonly nodesKnown: boolean;
}

export interface SurveyedWorkshop {
  readonly environments: readonly Part<typeof devEnvironment.shape>[];
  readonly temporal: Part<typeof temporal.shape> | undefined;
  readonly temporalOnKubernetes: Part<typeof temporalOnKubernetes.shape> | undefined;
}

export interface Survey {
  readonly machines: "vm" | "container" | undefined;
  readonly workshop: SurveyedWorkshop | undefined;
  readonly host: Part<typeof hostBudget.shape> | undefined;
  readonly clusters: readonly SurveyedCluster[];
}

/** Surveys a file that may be invalid anywhere. */
export function survey(file: unknown): Survey {
  const { machines } = parsePart("", file, { machines: clusterFile.shape.machines })?.fields ?? {};
  const clusters = valueOf(file, "clusters");
  const hpc = valueOf(clusters, "hpc");
  const cloud = valueOf(clusters, "cloud");
  return {
    machines,
    host: parsePart("host", valueOf(file, "host"), hostBudget.shape),
    workshop: surveyWorkshop(valueOf(file, "workshop")),
    clusters: [
      ...(isMap(hpc)
        ? [surveyCluster("hpc", hpc, ["controller", "controller"], ["compute_nodes", "compute"])]
        : []),
      ...(isMap(cloud)
        ? [surveyCluster("cloud", cloud, ["control_plane", "control-plane"], ["worker_nodes", "worker"])]
        : []),
    ],
  };
}

function surveyWorkshop(value: unknown): SurveyedWorkshop | undefined {
  if (!isMap(value)) return undefined;
  const environments = value.dev_environments;
  return {
    environments: Array.isArray(environments)
      ? environments.flatMap((each: unknown, i) => {
          const path = joinPath("workshop", "dev_environments", i);
          return parsePart(path, each, devEnvironment.shape) ?? [];
        })
      : [],
    temporal: parsePart(joinPath("workshop", "temporal"), value.temporal, temporal.shape),
    temporalOnKubernetes: parsePart(
      joinPath("workshop", "temporal_on_kubernetes"),
      value.temporal_on_kubernetes,
      temporalOnKubernetes.shape,
    ),
  };
}

type KeyAndRole = readonly [key: string, role: NodeNameParts["role"]];

function surveyCluster(
  kind: SurveyedCluster["kind"],
  values: Readonly<Record<string, unknown>>,
  [headKey, headRole]: KeyAndRole,
  [membersKey, memberRole]: KeyAndRole,
): SurveyedCluster {
  const path = joinPath("clusters", kind);
  const at = (key: string) => joinPath(path, key);
  const { name } = kind === "hpc" ? hpcCluster.shape : cloudCluster.shape;
  const clusterName = parsePart(path, values, { name })?.fields.name;
  const members = values[membersKey];
  const found = [
    ...surveyNode(at(headKey), values[headKey], headRole),
    ...(Array.isArray(members)
      ? members.flatMap((member: unknown, i) => surveyNode(joinPath(at(membersKey), i), member, memberRole))
      : surveyGroup(at(membersKey), members, memberRole)),
  ];
  const names = shortNames(found);
  return {
    kind,
    path,
    keys: new Set(Object.keys(values)),
    name: clusterName,
    network: parsePart(at("network"), values.network, network.shape),
    acceleration: parsePart(
      joinPath(at("hardware"), "acceleration"),
      valueOf(values.hardware, "acceleration"),
      accelerationOptions.shape,
    ),
    slurm: kind === "hpc" ? parsePart(at("slurm_config"), values.slurm_config, slurmConfig.shape) : undefined,
    storage: kind === "hpc" ? parsePart(at("storage"), values.storage, storage.shape) : undefined,
    nodes: found.map((each, i) => ({
      ...each,
      shortName: names[i] ?? "",
      name: fullName(clusterName ?? kind, names[i] ?? ""),
    })),
    nodesKnown: Array.isArray(members) || isMap(members),
  };
}

type UnnamedNode = Omit<SurveyedNode, "name" | "shortName">;

function surveyNode(path: string, value: unknown, role: NodeNameParts["role"]): UnnamedNode[] {
  // A node that is not a map counts, too, so that the nodes after it keep their names.
  const readable = parsePart(path, value, nodeFields);
  const seen = readable ?? { path, fields: {}, keys: new Set<string>() };
  const key = role === "compute" || role === "worker" ? "ip" : "ip_address";
  return [
    {
      ...seen,
      role,
      isReadable: readable !== undefined,
      hasGpu: hasGpu(seen.fields),
      isHost: seen.keys.has("ssh"),
      addressPath: joinPath(path, key),
    },
  ];
}

function surveyGroup(path: string, value: unknown, role: NodeNameParts["role"]): UnnamedNode[] {
  if (!isMap(value)) return [];
  // Groups allow DHCP only; the schema reports any other address.
  const [one] = surveyNode(path, { ...value, ip: "DHCP" }, role);
  return one === undefined ? [] : Array.from({ length: one.fields.count ?? 1 }, () => one);
}

/** Parses each value of a map by its schema and keeps the valid ones. Undefined if it is not a map. */
function parsePart<Shape extends $ZodShape>(
  path: string,
  value: unknown,
  shape: Shape,
): Part<Shape> | undefined {
  if (!isMap(value)) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const parsed = safeParse(schema, value[key]);
    if (parsed.success) fields[key] = parsed.data;
  }
  // The schemas above produced these values.
  return { path, fields: fields as Fields<Shape>, keys: new Set(Object.keys(value)) };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function valueOf(value: unknown, key: string): unknown {
  return isMap(value) ? value[key] : undefined;
}
