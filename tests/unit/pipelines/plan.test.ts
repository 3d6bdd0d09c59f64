import { describe, expect, it, test } from "vitest";
import { PlanError, readPlan } from "../../../services/pipelines/plan/index.ts";

/** The lines of an error, without the file's name. */
function problems(text: string, inputs = {}): string[] {
  try {
    readPlan(text, { file: "p", inputs });
  } catch (error) {
    if (error instanceof PlanError) return error.details.map((line) => line.replace(/^p:\d+:\d+: /, ""));
    throw error;
  }
  return [];
}

const steps = (...lines: string[]): string => ["steps:", ...lines.map((line) => `  - ${line}`)].join("\n");
const command = (id: string, more = ""): string => `{id: ${id}, type: command, command: "true"${more}}`;

describe("a plan that cannot run says what the old orchestrate said", () => {
  it.each([
    ["no steps", "steps: []", "plan must have at least one step"],
    ["nothing at all", "log_dir: logs", "plan must have at least one step"],
    ["no id", steps("{type: command, command: x}"), "step 0 is missing id"],
    ["an empty id", steps('{id: "", type: command, command: x}'), "step 0 is missing id"],
    ["an id twice", steps(command("a"), command("a")), "duplicate step id: a"],
    ["no type", steps("{id: a, command: x}"), "step a is missing type"],
    ["an unknown type", steps("{id: a, type: sing}"), "step a has unsupported type sing"],
    ["a command without one", steps("{id: a, type: command}"), "step a command is required"],
    ["a download of nothing", steps("{id: a, type: download}"), "step a download requires url and output"],
    [
      "a download to nowhere",
      steps('{id: a, type: download, download: {url: "http://x"}}'),
      "step a download requires url and output",
    ],
    ["no image to build", steps("{id: a, type: docker_build}"), "step a docker_build requires image"],
    ["no image to push", steps("{id: a, type: docker_push}"), "step a docker_push requires image"],
    ["no package command", steps("{id: a, type: package_build}"), "step a package_build requires command"],
    ["no container command", steps("{id: a, type: container_job}"), "step a container_job requires command"],
    [
      "no dataset",
      steps("{id: a, type: hf_download_dataset}"),
      "step a hf_download_dataset requires dataset_id",
    ],
    ["no model", steps("{id: a, type: hf_download_model}"), "step a hf_download_model requires model_id"],
    [
      "an unknown dependency",
      steps(command("a", ", depends_on: [zebra]")),
      "step a depends on unknown step zebra",
    ],
    [
      "a bad when",
      steps(command("a", ", when: {step: a, status: maybe}")),
      "step a has invalid when condition",
    ],
    ["an empty when", steps(command("a", ", when: {}")), "step a has invalid when condition"],
    [
      "a when of nobody",
      steps(command("a", ", when: {step: zebra, status: success}")),
      "step a when references unknown step zebra",
    ],
  ])("%s", (_what, text, message) => {
    expect(problems(text)).toEqual([message]);
  });
});

describe("a plan that the old orchestrate took and then broke on", () => {
  it.each([
    ["itself", steps(command("a", ", depends_on: [a]")), "steps depend on each other in a circle: a -> a"],
    [
      "a circle",
      steps(
        command("a", ", depends_on: [c]"),
        command("b", ", depends_on: [a]"),
        command("c", ", depends_on: [b]"),
      ),
      "steps depend on each other in a circle: a -> b -> c -> a",
    ],
    [
      "when without depends_on",
      steps(command("a"), command("b", ", when: {step: a, status: success}")),
      "step b when is about a, which depends_on does not name; add it",
    ],
    ["a mistyped key", steps(command("a", ", dependsOn: []")), "unknown key; did you mean depends_on?"],
    [
      "a mistyped type",
      steps("{id: a, type: docker_buld}"),
      "step a has unsupported type docker_buld; did you mean docker_build?",
    ],
    [
      "a block of another type",
      steps("{id: a, type: command, command: x, download: {url: u, output: o}}"),
      "step a is of type command and does not use download",
    ],
    ["a number that is none", steps(command("a", ", timeout_seconds: soon")), "soon is not a whole number"],
    [
      "a checksum that is none",
      steps("{id: a, type: download, download: {url: 'http://x', output: o, sha256: abc}}"),
      "step a sha256 is not 64 hexadecimal digits",
    ],
    [
      "a URL of another kind",
      steps("{id: a, type: download, download: {url: 'ftp://x', output: o}}"),
      "step a url is neither http:// nor https://: ftp://x",
    ],
    [
      "no try at all",
      steps(command("a", ", retry: {attempts: 0}")),
      "step a is tried 0 times; give 1 or more",
    ],
    ["no place for a step", `max_parallel: 0\n${steps(command("a"))}`, "0 is less than 1"],
  ])("%s", (_what, text, message) => {
    expect(problems(text)).toContain(message);
  });

  it("has every problem at once, each with its place", () => {
    const text = `stps: 1\n${steps("{id: a, type: command}", "{id: b, type: dowload}", command("c", ", depends_on: [d]"))}`;
    expect(() => readPlan(text, { file: "plan.yaml" })).toThrow(
      "plan.yaml: plan validation failed: 4 problems",
    );
    try {
      readPlan(text, { file: "plan.yaml" });
    } catch (error) {
      expect((error as PlanError).details).toEqual([
        "plan.yaml:1:1: unknown key; did you mean steps?",
        "plan.yaml:3:5: step a command is required",
        "plan.yaml:4:13: step b has unsupported type dowload; did you mean download?",
        "plan.yaml:5:58: step c depends on unknown step d",
      ]);
    }
  });

  it("is no YAML, or has a key twice: one line with the place", () => {
    expect(problems("steps: [")).toHaveLength(1);
    expect(problems("steps: []\nsteps: []")).toEqual(["Map keys must be unique"]);
    expect(problems("steps: []\n---\nsteps: []")).toEqual([
      "a second document starts here; a plan has only one",
    ]);
    expect(problems('a: "\\Ub\n  \u0007c"\n')).toEqual(['Invalid escape sequence \\Ub c"']);
  });
});

test("every scalar is the text that stands in the file", () => {
  const { plan } = readPlan(
    steps("{id: 1.10, type: command, command: true, args: [3.10, yes, 0x1F, ~], env: {A: 010, B: }}"),
  );
  expect(plan.steps[0]).toMatchObject({
    id: "1.10",
    env: { A: "010" },
    action: { command: "true", args: ["3.10", "yes", "0x1F", "~"] },
  });
});

test("a key without a value is not there", () => {
  const { plan } = readPlan(
    steps("{id: a, type: command, command: x, name: ~, depends_on: , timeout_seconds: null}"),
  );
  expect(plan.steps[0]).toMatchObject({ name: "a", dependsOn: [], timeoutSeconds: 7200 });
});

test("JSON is read with the same keys", () => {
  const json = JSON.stringify({
    log_dir: "l",
    steps: [
      {
        id: "a",
        type: "download",
        timeout_seconds: 5,
        allow_failure: true,
        download: { url: "https://x", output: "o", sha256: "A".repeat(64) },
      },
    ],
  });
  expect(readPlan(json).plan).toEqual({
    logDir: "l",
    steps: [
      {
        id: "a",
        name: "a",
        dependsOn: [],
        timeoutSeconds: 5,
        allowFailure: true,
        retry: { attempts: 3, initialSeconds: 5, factor: 2, maxSeconds: 60 },
        env: {},
        action: { type: "download", url: "https://x", output: "o", sha256: "a".repeat(64) },
      },
    ],
  });
});

test("a download without a checksum is worth a warning", () => {
  const { warnings } = readPlan(steps("{id: a, type: download, download: {url: 'http://x', output: o}}"));
  expect(warnings).toMatchObject([{ line: 2, message: expect.stringContaining("has no sha256") as string }]);
});

describe("every step type has its defaults", () => {
  it.each([
    ["docker_build: {image: i}", { image: "i", context: ".", buildArgs: {}, labels: {} }],
    ["docker_push: {image: i}", { image: "i" }],
    ["package_build: {command: make, args: [all], env: {A: 1}}", { command: "make", args: ["all"] }],
    [
      "container_job: {command: a b}",
      {
        command: "a b",
        entrypoint: "run-job",
        env: {},
        gpu: false,
      },
    ],
    ["container_job: {command: a, entrypoint: run-job.sh, gpu: true}", { entrypoint: "run-job", gpu: true }],
    [
      "hf_download_dataset: {dataset_id: d}",
      { datasetId: "d", config: "default", split: "train[:100]", cacheDir: "/opt/hf_cache" },
    ],
    ["hf_download_model: {model_id: m}", { modelId: "m", cacheDir: "/opt/hf_cache" }],
  ])("%s", (block, action) => {
    const [type = ""] = block.split(":");
    expect(readPlan(steps(`{id: a, type: ${type}, ${block}}`)).plan.steps[0]?.action).toMatchObject({
      type,
      ...action,
    });
  });
});

describe("inputs", () => {
  const text = `inputs: {version: 1.2, name: x}\n${steps(command("a", ', args: ["${inputs.name}-${inputs.version}", "${HOME}"]'))}`;

  it("have defaults, and only they are replaced", () => {
    expect(readPlan(text).plan.steps[0]?.action).toMatchObject({ args: ["x-1.2", "${HOME}"] });
    expect(readPlan(text, { inputs: { version: "3" } }).plan.steps[0]?.action).toMatchObject({
      args: ["x-3", "${HOME}"],
    });
  });

  it("that are not there are problems", () => {
    expect(problems(text, { verson: "3" })).toEqual(["there is no input verson; did you mean version?"]);
    expect(problems(steps(command("a", ', args: ["${inputs.nme}"]')))).toEqual([
      "step a uses ${inputs.nme}, which is not there",
    ]);
  });
});

describe("a matrix", () => {
  const text = steps(
    command(
      "build",
      ', matrix: {py: [3.10, 3.12], arch: [amd64, arm64]}, args: ["${matrix.py}/${matrix.arch}"]',
    ),
    command("all", ", depends_on: [build]"),
  );

  it("makes a step of each combination, and whoever depends on it waits for all", () => {
    const { plan } = readPlan(text);
    const ids = ["build-3.10-amd64", "build-3.10-arm64", "build-3.12-amd64", "build-3.12-arm64"];
    expect(plan.steps.map(({ id }) => id)).toEqual([...ids, "all"]);
    expect(plan.steps[1]?.action).toMatchObject({ args: ["3.10/arm64"] });
    expect(plan.steps[4]?.dependsOn).toEqual(ids);
  });

  it("cannot be what a `when` is about, be empty, or make an id that is there", () => {
    expect(
      problems(`${text}\n  - ${command("x", ", depends_on: [build], when: {step: build, status: failure}")}`),
    ).toEqual(["step x when is about build, which a matrix makes several steps of"]);
    expect(problems(steps(command("a", ", matrix: {v: []}")))).toEqual([
      "step a has a matrix without values",
    ]);
    expect(problems(steps(command("a", ", matrix: {v: [1]}"), command("a-1")))).toEqual([
      "duplicate step id: a-1, made by a matrix; rename one of the steps",
    ]);
  });
});

test("a plan of 2,000 steps is read in well under the time that anybody notices", () => {
  const chain = Array.from({ length: 2000 }, (_, i) =>
    command(`s${i}`, i === 0 ? "" : `, depends_on: [s${i - 1}]`),
  );
  expect(readPlan(steps(...chain)).plan.steps).toHaveLength(2000);
});

test("a plan of 10 MB is read in a time that grows with its size only", { timeout: 60_000 }, () => {
  const chain = Array.from({ length: 20_000 }, (_, i) =>
    command(`step-${i}`, `, depends_on: [${i === 0 ? "" : `step-${i - 1}`}], args: [${"x".repeat(430)}]`),
  );
  const text = steps(...chain);
  expect(text.length).toBeGreaterThan(10_000_000);
  expect(readPlan(text).plan.steps).toHaveLength(20_000);
});

describe("the hub's token in a plan, where everybody sees it,", () => {
  const where = "HF_TOKEN in its env, and so in Temporal's history; set it where the worker is started";

  it("is refused in steps that had no env in old plans", () => {
    const step = "{id: a, type: hf_download_model, hf_download_model: {model_id: m}, env: {HF_TOKEN: hf_x}}";
    expect(problems(steps(step))).toEqual([`step a has ${where}`]);
  });

  it.each([
    command("a", ", env: {HF_TOKEN: hf_x}"),
    "{id: a, type: container_job, container_job: {command: x, env: {HF_TOKEN: hf_x}}}",
  ])("is warned of in %s", (step) => {
    expect(readPlan(steps(step)).warnings.map(({ message }) => message)).toEqual([`step a has ${where}`]);
  });
});
