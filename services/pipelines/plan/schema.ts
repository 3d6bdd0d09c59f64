import { z } from "zod";

// Scalars arrive as text from the file, so that the version 3.10 does not become the number 3.1.
const text = z.string();
const texts = z.array(text);
const wholeNumber = z
  .string()
  .regex(/^[-+]?\d+$/, { error: ({ input }) => `${String(input)} is not a whole number` })
  .transform(Number);
const amount = z
  .string()
  .regex(/^\d+(\.\d+)?$/, { error: ({ input }) => `${String(input)} is not a number of 0 or more` })
  .transform(Number);
const flag = z
  .string()
  .regex(/^(true|false)$/i, { error: ({ input }) => `${String(input)} is neither true nor false` })
  .transform((word) => word.toLowerCase() === "true");
const environment = z.record(z.string(), text);

const retry = z.strictObject({
  attempts: wholeNumber.optional().describe("How often it is tried, 1 or more. Default: 3."),
  initial_seconds: amount.optional().describe("Wait before the second try. Default: 5."),
  factor: amount
    .optional()
    .describe("By how much each wait is longer than the one before, 1 or more. Default: 2."),
  max_seconds: amount.optional().describe("Longest wait. Default: 60."),
});

/** What each step type needs in a block of its own name; `command` has its keys on the step itself. */
const blocks = {
  download: z.strictObject({
    url: text.optional().describe("Where the file is, HTTP or HTTPS. Required."),
    output: text.optional().describe("Where it goes; folders are made. Required."),
    sha256: text.optional().describe("Checksum in hexadecimal. Default: not checked, with a warning."),
  }),
  docker_build: z.strictObject({
    image: text.optional().describe("Name and tag. Required."),
    context: text.optional().describe("Build context. Default: the current folder."),
    dockerfile: text.optional().describe("Default: Dockerfile in the context."),
    build_args: environment.optional().describe("Default: none."),
    labels: environment.optional().describe("Default: none."),
    platform: text.optional().describe("linux/arm64, for example. Default: the engine's own."),
    target: text.optional().describe("Stage to build. Default: the last."),
  }),
  docker_push: z.strictObject({ image: text.optional().describe("Name and tag. Required.") }),
  package_build: z.strictObject({
    command: text.optional().describe("Program. Required."),
    args: texts.optional().describe("Default: none."),
    env: environment.optional().describe("Default: none."),
    working_dir: text.optional().describe("Default: the worker's current folder."),
  }),
  container_job: z.strictObject({
    command: text.optional().describe("Command line, for the shell of the container. Required."),
    project_id: text.optional().describe("Whose development container. Default: the folder's name."),
    entrypoint: text.optional().describe("Entrypoint of the container. Default: run-job."),
    env: environment.optional().describe("Environment inside the container. Default: none."),
    gpu: flag.optional().describe("Whether it gets the GPUs. Default: false."),
    launcher_path: text.optional().describe("Program that starts the container. Default: ai-how dev."),
  }),
  hf_download_dataset: z.strictObject({
    dataset_id: text.optional().describe("Name on the hub. Required."),
    config: text.optional().describe("Default: default."),
    split: text.optional().describe("Default: train[:100]."),
    cache_dir: text.optional().describe("Default: /opt/hf_cache."),
  }),
  hf_download_model: z.strictObject({
    model_id: text.optional().describe("Name on the hub. Required."),
    cache_dir: text.optional().describe("Default: /opt/hf_cache."),
  }),
};

export type BlockType = keyof typeof blocks;
export const BLOCK_TYPES = Object.keys(blocks) as BlockType[];
export type StepType = "command" | BlockType;
export const STEP_TYPES: readonly StepType[] = ["command", ...BLOCK_TYPES];

const step = z.strictObject({
  id: text.optional().describe("Unique name. Required."),
  name: text.optional().describe("What people call it. Default: the id."),
  type: text.optional().describe(`What it does: ${STEP_TYPES.join(", ")}. Required.`),
  depends_on: texts.optional().describe("Steps that have to be over first, in whatever way. Default: none."),
  when: z
    .strictObject({ step: text.optional(), status: text.optional() })
    .optional()
    .describe("Runs only if this step of depends_on ended with success, or with failure. Default: always."),
  timeout_seconds: wholeNumber
    .optional()
    .describe("Longest time of one try; 0 or less is 7200. Default: 7200."),
  allow_failure: flag.optional().describe("Whether the pipeline goes on when it fails. Default: false."),
  retry: retry
    .optional()
    .describe("When it could not be done at all; an exit code is a result. Default: three tries."),
  queue: text
    .optional()
    .describe("Temporal task queue whose workers do it, for example gpu. Default: the pipeline's."),
  matrix: z
    .record(z.string(), texts)
    .optional()
    .describe("One step for each combination; ${matrix.NAME} stands for the value. Default: a single step."),
  command: text.optional().describe("Program of a command step; no shell."),
  args: texts.optional().describe("Its arguments. Default: none."),
  env: environment.optional().describe("Added to the worker's environment. Default: nothing."),
  working_dir: text.optional().describe("Default: the worker's current folder."),
  download: blocks.download.optional(),
  docker_build: blocks.docker_build.optional(),
  docker_push: blocks.docker_push.optional(),
  package_build: blocks.package_build.optional(),
  container_job: blocks.container_job.optional(),
  hf_download_dataset: blocks.hf_download_dataset.optional(),
  hf_download_model: blocks.hf_download_model.optional(),
});

/** A plan file: the documented format, and what we add to it. */
export const planFile = z.strictObject({
  log_dir: text.optional().describe("Where workers write logs. Default: TEMPORAL_LOG_DIR, else logs."),
  max_parallel: wholeNumber
    .optional()
    .describe("How many steps run at a time, 1 or more. Default: all that can."),
  inputs: z
    .record(z.string(), text)
    .optional()
    .describe("Values with their defaults, for ${inputs.NAME} in steps; --input NAME=VALUE replaces one."),
  steps: z.array(step).optional().describe("What is to be done. At least one."),
});

export type PlanFile = z.output<typeof planFile>;
export type StepFile = z.output<typeof step>;
