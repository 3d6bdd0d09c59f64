import { joinPath, type Problem } from "../../../config/problem.ts";
import { nearest } from "../../../config/suggest.ts";
import type { Action, Plan, Retry, Step } from "./plan.ts";
import type { PlanFile, StepFile, StepType } from "./schema.ts";

/** Default time limit of an attempt. */
export const TIMEOUT_SECONDS = 7200;
export const RETRY: Retry = { attempts: 3, initialSeconds: 5, factor: 2, maxSeconds: 60 };
const CACHE_DIRECTORY = "/opt/hf_cache";
const REFERENCE = /\$\{(inputs|matrix)\.([^}]*)\}/g;

/**
 * The plan from a checked file, with inputs, matrices and defaults. Replaces only `${inputs.NAME}` and `${matrix.NAME}`.
 * @param inputs values instead of the file's defaults
 */
export function expandPlan(
  file: PlanFile,
  inputs: Readonly<Record<string, string>>,
): { plan: Plan; problems: Problem[] } {
  const known = { ...file.inputs, ...inputs };
  const problems: Problem[] = Object.keys(inputs)
    .filter((name) => !Object.hasOwn(file.inputs ?? {}, name))
    .map((name) => ({
      path: "inputs",
      message: `there is no input ${name}${didYouMean(name, Object.keys(file.inputs ?? {}))}`,
    }));
  const steps = file.steps ?? [];
  const expansions = new Map(steps.map((step) => [step.id ?? "", combinations(step.matrix)]));
  const expanded = steps.flatMap((step, index) =>
    combinations(step.matrix).map((values) => {
      const put = (text: string): string =>
        text.replaceAll(REFERENCE, (whole, kind: string, name: string) => {
          const found = kind === "inputs" ? known : values;
          const value = Object.hasOwn(found, name) ? found[name] : undefined;
          if (value !== undefined) return value;
          problems.push({
            path: joinPath("steps", index),
            message: `step ${step.id ?? index} uses ${whole}, which is not there${didYouMean(name, Object.keys(found))}`,
          });
          return whole;
        });
      return toStep(mapTexts(step, put), values, expansions);
    }),
  );
  const ids = new Set<string>();
  const twice = expanded.find(({ id }) => ids.size === ids.add(id).size);
  if (twice !== undefined)
    problems.push({
      path: "steps",
      message: `duplicate step id: ${twice.id}, made by a matrix; rename one of the steps`,
    });
  const plan: Plan = {
    ...(file.log_dir !== undefined && { logDir: file.log_dir }),
    ...(file.max_parallel !== undefined && { maxParallel: file.max_parallel }),
    steps: expanded,
  };
  // A reference that is missing in one combination is missing in all.
  const unique = new Map(problems.map((problem) => [`${problem.path} ${problem.message}`, problem]));
  return { plan, problems: [...unique.values()] };
}

function didYouMean(name: string, candidates: readonly string[]): string {
  const guess = nearest(name, candidates);
  return guess === undefined ? "" : `; did you mean ${guess}?`;
}

type Combination = Readonly<Record<string, string>>;

/** Every combination of a matrix's values, the last name changing fastest; a single empty one without a matrix. */
function combinations(matrix: StepFile["matrix"]): readonly Combination[] {
  return Object.entries(matrix ?? {}).reduce<readonly Combination[]>(
    (some, [name, values]) => some.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

/** `build-3.12-cuda` for the values 3.12 and cuda. */
function expandedId(id: string, values: Combination): string {
  return [id, ...Object.values(values)].join("-");
}

function mapTexts(value: StepFile, put: (text: string) => string): StepFile {
  const walk = (part: unknown, key: string): unknown => {
    if (typeof part === "string") return put(part);
    if (Array.isArray(part)) return part.map((entry) => walk(entry, ""));
    if (part === null || typeof part !== "object" || key === "matrix") return part;
    return Object.fromEntries(Object.entries(part).map(([name, entry]) => [name, walk(entry, name)]));
  };
  return walk(value, "") as StepFile;
}

function toStep(
  step: StepFile,
  values: Combination,
  expansions: ReadonlyMap<string, readonly Combination[]>,
): Step {
  const id = expandedId(step.id ?? "", values);
  const { timeout_seconds: timeout = 0, when, retry } = step;
  return {
    id,
    name: step.name ?? id,
    dependsOn: [
      ...new Set(
        (step.depends_on ?? []).flatMap((other) =>
          (expansions.get(other) ?? [{}]).map((combination) => expandedId(other, combination)),
        ),
      ),
    ],
    ...(when?.step !== undefined && {
      when: {
        step: when.step,
        status: when.status === "failure" ? ("failure" as const) : ("success" as const),
      },
    }),
    timeoutSeconds: timeout > 0 ? timeout : TIMEOUT_SECONDS,
    allowFailure: step.allow_failure ?? false,
    retry: {
      attempts: retry?.attempts ?? RETRY.attempts,
      initialSeconds: retry?.initial_seconds ?? RETRY.initialSeconds,
      factor: retry?.factor ?? RETRY.factor,
      maxSeconds: retry?.max_seconds ?? RETRY.maxSeconds,
    },
    ...(step.queue !== undefined && { queue: step.queue }),
    env: { ...step.env, ...step.package_build?.env },
    ...workingDirectory(step.package_build?.working_dir ?? step.working_dir),
    action: actionOf(step, (step.type ?? "command") as StepType),
  };
}

function workingDirectory(folder: string | undefined): { workingDir?: string } {
  return folder === undefined || folder === "" ? {} : { workingDir: folder };
}

/** The action of a checked step, which has all required keys. */
function actionOf(step: StepFile, type: StepType): Action {
  switch (type) {
    case "command":
      return { type, command: step.command ?? "", args: step.args ?? [] };
    case "package_build": {
      const { command = "", args = [] } = step.package_build ?? {};
      return { type, command, args };
    }
    case "download": {
      const { url = "", output = "", sha256 = "" } = step.download ?? {};
      return { type, url, output, ...(sha256 !== "" && { sha256: sha256.toLowerCase() }) };
    }
    case "docker_build": {
      const {
        image = "",
        context,
        dockerfile,
        build_args,
        labels = {},
        platform,
        target,
      } = step.docker_build ?? {};
      return {
        type,
        image,
        context: context ?? ".",
        buildArgs: build_args ?? {},
        labels,
        ...(dockerfile !== undefined && { dockerfile }),
        ...(platform !== undefined && { platform }),
        ...(target !== undefined && { target }),
      };
    }
    case "docker_push":
      return { type, image: step.docker_push?.image ?? "" };
    case "container_job": {
      const {
        command = "",
        project_id,
        entrypoint,
        env = {},
        gpu = false,
        launcher_path,
      } = step.container_job ?? {};
      return {
        type,
        command,
        // Old plans have names with `.sh`.
        entrypoint: (entrypoint ?? "run-job").replace(/\.sh$/, ""),
        env,
        gpu,
        ...(project_id !== undefined && { projectId: project_id }),
        ...(launcher_path !== undefined && { launcherPath: launcher_path }),
      };
    }
    case "hf_download_dataset": {
      const { dataset_id = "", config, split, cache_dir } = step.hf_download_dataset ?? {};
      return {
        type,
        datasetId: dataset_id,
        config: config ?? "default",
        split: split ?? "train[:100]",
        cacheDir: cache_dir ?? CACHE_DIRECTORY,
      };
    }
    case "hf_download_model": {
      const { model_id = "", cache_dir } = step.hf_download_model ?? {};
      return { type, modelId: model_id, cacheDir: cache_dir ?? CACHE_DIRECTORY };
    }
  }
}
