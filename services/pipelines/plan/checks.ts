import { joinPath, type Problem } from "../../../config/problem.ts";
import { nearest } from "../../../config/suggest.ts";
import { BLOCK_TYPES, STEP_TYPES, type PlanFile, type StepFile, type StepType } from "./schema.ts";

/** All problems of a plan that its schema cannot find, in the order of the file and the documented words. */
export function planProblems({ steps = [], max_parallel: maxParallel }: PlanFile): Problem[] {
  if (steps.length === 0) return [{ path: "steps", message: "plan must have at least one step" }];
  const first = new Map<string, number>();
  for (const [index, { id }] of steps.entries()) if (present(id) && !first.has(id)) first.set(id, index);
  return [
    ...(maxParallel !== undefined && maxParallel < 1
      ? [{ path: "max_parallel", message: `${maxParallel} is less than 1` }]
      : []),
    ...steps.flatMap((step, index) => stepProblems(step, index, first)),
    ...steps.flatMap((step, index) => referenceProblems(step, index, first, steps)),
    ...cycleProblems(steps),
  ];
}

/** Warnings, which do not stop a plan. */
export function planWarnings({ steps = [] }: PlanFile): Problem[] {
  return steps.flatMap((step, index) => {
    const { id = index, type, download } = step;
    const warnings = tokenProblems(step, index);
    if (type === "download" && !present(download?.sha256))
      warnings.push({
        path: joinPath("steps", index, "download"),
        message: `step ${id} download has no sha256, so its content is not checked`,
      });
    return warnings;
  });
}

/** Finds the hub's token in a plan, where everybody who can see the pipeline could read it. */
function tokenProblems({ id = "", env, container_job: job }: StepFile, index: number): Problem[] {
  const places = [
    { keys: ["env"], names: Object.keys(env ?? {}) },
    { keys: ["container_job", "env"], names: Object.keys(job?.env ?? {}) },
  ];
  return places.flatMap(({ keys, names }) =>
    names
      .filter((name) => TOKENS.has(name))
      .map((name) => ({
        path: joinPath("steps", index, ...keys, name),
        message: `step ${id} has ${name} in its env, and so in Temporal's history; set it where the worker is started`,
      })),
  );
}

// The required keys of each type, with the documented message.
const REQUIRED: Readonly<Record<StepType, { keys: readonly string[]; message: string }>> = {
  command: { keys: ["command"], message: "command is required" },
  download: { keys: ["url", "output"], message: "download requires url and output" },
  docker_build: { keys: ["image"], message: "docker_build requires image" },
  docker_push: { keys: ["image"], message: "docker_push requires image" },
  package_build: { keys: ["command"], message: "package_build requires command" },
  container_job: { keys: ["command"], message: "container_job requires command" },
  hf_download_dataset: { keys: ["dataset_id"], message: "hf_download_dataset requires dataset_id" },
  hf_download_model: { keys: ["model_id"], message: "hf_download_model requires model_id" },
};

const TOKENS: ReadonlySet<string> = new Set(["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]);

/** @param first position of the first step with each id */
function stepProblems(step: StepFile, index: number, first: ReadonlyMap<string, number>): Problem[] {
  const at = (...keys: string[]) => joinPath("steps", index, ...keys);
  const { id, type } = step;
  if (!present(id)) return [{ path: at(), message: `step ${index} is missing id` }];
  const problems: Problem[] = [];
  if ((first.get(id) ?? index) < index)
    problems.push({ path: at("id"), message: `duplicate step id: ${id}` });
  if (!present(type)) return [...problems, { path: at(), message: `step ${id} is missing type` }];
  if (!isStepType(type)) {
    const guess = nearest(type, STEP_TYPES);
    const hint = guess === undefined ? "" : `; did you mean ${guess}?`;
    return [...problems, { path: at("type"), message: `step ${id} has unsupported type ${type}${hint}` }];
  }
  const { keys, message } = REQUIRED[type];
  const owner: Readonly<Record<string, unknown>> = type === "command" ? step : (step[type] ?? {});
  if (keys.some((key) => !present(owner[key])))
    problems.push({ path: at(), message: `step ${id} ${message}` });
  for (const other of BLOCK_TYPES) {
    if (other !== type && step[other] !== undefined)
      problems.push({ path: at(other), message: `step ${id} is of type ${type} and does not use ${other}` });
  }
  if (type !== "command" && (step.command !== undefined || step.args !== undefined)) {
    const key = step.command === undefined ? "args" : "command";
    problems.push({
      path: at(key),
      message: `step ${id} is of type ${type} and does not use ${key} of the step`,
    });
  }
  // Old plans have no env in these types, so this refuses none of them.
  const tokens = type.startsWith("hf_") ? tokenProblems(step, index) : [];
  return [...problems, ...formProblems(step, id, at), ...tokens];
}

function formProblems(step: StepFile, id: string, at: (...keys: string[]) => string): Problem[] {
  const problems: Problem[] = [];
  const { attempts, factor } = step.retry ?? {};
  if (attempts !== undefined && attempts < 1)
    problems.push({
      path: at("retry", "attempts"),
      message: `step ${id} is tried ${attempts} times; give 1 or more`,
    });
  if (factor !== undefined && factor < 1)
    problems.push({
      path: at("retry", "factor"),
      message: `step ${id} has a retry factor of ${factor}; give 1 or more`,
    });
  const sum = step.download?.sha256;
  if (present(sum) && !/^[0-9a-f]{64}$/i.test(sum))
    problems.push({
      path: at("download", "sha256"),
      message: `step ${id} sha256 is not 64 hexadecimal digits`,
    });
  const url = step.download?.url;
  if (present(url) && !/^https?:\/\/|\$\{/.test(url))
    problems.push({
      path: at("download", "url"),
      message: `step ${id} url is neither http:// nor https://: ${url}`,
    });
  for (const [name, values] of Object.entries(step.matrix ?? {})) {
    if (values.length === 0)
      problems.push({ path: at("matrix", name), message: `step ${id} has a matrix without values` });
    if (new Set(values).size < values.length)
      problems.push({ path: at("matrix", name), message: `step ${id} has a value twice in its matrix` });
  }
  return problems;
}

function referenceProblems(
  { id, depends_on: dependsOn = [], when }: StepFile,
  index: number,
  ids: ReadonlyMap<string, number>,
  steps: readonly StepFile[],
): Problem[] {
  if (!present(id)) return [];
  const at = (...keys: (string | number)[]) => joinPath("steps", index, ...keys);
  const unknown = (other: string): string => {
    const guess = nearest(other, [...ids.keys()]);
    return guess === undefined ? other : `${other}; did you mean ${guess}?`;
  };
  const problems = dependsOn.flatMap((other, position) =>
    ids.has(other)
      ? []
      : [
          {
            path: at("depends_on", position),
            message: `step ${id} depends on unknown step ${unknown(other)}`,
          },
        ],
  );
  if (when === undefined) return problems;
  const { step, status } = when;
  if (!present(step) || (status !== "success" && status !== "failure"))
    return [...problems, { path: at("when"), message: `step ${id} has invalid when condition` }];
  if (!ids.has(step))
    return [
      ...problems,
      { path: at("when", "step"), message: `step ${id} when references unknown step ${unknown(step)}` },
    ];
  if (!dependsOn.includes(step))
    return [
      ...problems,
      {
        path: at("when", "step"),
        message: `step ${id} when is about ${step}, which depends_on does not name; add it`,
      },
    ];
  if (steps.some((other) => other.id === step && other.matrix !== undefined))
    return [
      ...problems,
      {
        path: at("when", "step"),
        message: `step ${id} when is about ${step}, which a matrix makes several steps of`,
      },
    ];
  return problems;
}

/** Each cycle of dependencies once, with all its steps. */
function cycleProblems(steps: readonly StepFile[]): Problem[] {
  const dependencies = new Map(steps.map(({ id, depends_on: dependsOn = [] }) => [id ?? "", dependsOn]));
  const places = new Map(steps.map(({ id }, index) => [id ?? "", index]));
  const done = new Set<string>();
  const problems: Problem[] = [];
  for (const start of dependencies.keys()) {
    // Depth first without recursion: a chain may be as long as a plan.
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { id: string; leaving: boolean }[] = [{ id: start, leaving: false }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { id, leaving } = next;
      if (leaving) {
        path.pop();
        onPath.delete(id);
        done.add(id);
      } else if (onPath.has(id)) {
        const circle = [...path.slice(path.indexOf(id)), id].reverse();
        problems.push({
          path: joinPath("steps", places.get(id) ?? 0, "depends_on"),
          message: `steps depend on each other in a circle: ${circle.join(" -> ")}`,
        });
      } else if (!done.has(id)) {
        path.push(id);
        onPath.add(id);
        stack.push({ id, leaving: true });
        for (const other of dependencies.get(id) ?? [])
          if (dependencies.has(other)) stack.push({ id: other, leaving: false });
      }
    }
  }
  return problems;
}

function isStepType(type: string): type is StepType {
  return STEP_TYPES.some((known) => known === type);
}

function present(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
