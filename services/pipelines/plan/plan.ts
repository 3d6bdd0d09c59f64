/** A checked plan with defaults, inputs and matrices. It is Temporal's payload. */
export interface Plan {
  /** Default: the worker's. */
  readonly logDir?: string;
  /** Default: no limit. */
  readonly maxParallel?: number;
  readonly steps: readonly Step[];
}

/** Retries of a step that could not be run. An exit code other than 0 is a result and is not retried. */
export interface Retry {
  readonly attempts: number;
  readonly initialSeconds: number;
  readonly factor: number;
  readonly maxSeconds: number;
}

interface StepBase {
  readonly id: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  /** Default: it runs if all dependencies succeeded. */
  readonly when?: { readonly step: string; readonly status: "success" | "failure" };
  readonly timeoutSeconds: number;
  readonly allowFailure: boolean;
  readonly retry: Retry;
  /** Temporal task queue. Default: the pipeline's. */
  readonly queue?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir?: string;
}

export interface CommandAction {
  readonly command: string;
  readonly args: readonly string[];
}

export interface DownloadAction {
  readonly url: string;
  readonly output: string;
  readonly sha256?: string;
}

export interface DockerBuildAction {
  readonly image: string;
  readonly context: string;
  readonly dockerfile?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform?: string;
  readonly target?: string;
}

export interface ContainerJobAction {
  /** A command line for the container's shell. */
  readonly command: string;
  readonly projectId?: string;
  readonly entrypoint: string;
  readonly env: Readonly<Record<string, string>>;
  readonly gpu: boolean;
  /** Program that starts the container. Default: `ai-how dev`. */
  readonly launcherPath?: string;
}

export interface DatasetAction {
  readonly datasetId: string;
  readonly config: string;
  readonly split: string;
  readonly cacheDir: string;
}

export interface ModelAction {
  readonly modelId: string;
  readonly cacheDir: string;
}

/** The action of a step, by its `type`. */
export type Action =
  | ({ readonly type: "command" } & CommandAction)
  | ({ readonly type: "package_build" } & CommandAction)
  | ({ readonly type: "download" } & DownloadAction)
  | ({ readonly type: "docker_build" } & DockerBuildAction)
  | { readonly type: "docker_push"; readonly image: string }
  | ({ readonly type: "container_job" } & ContainerJobAction)
  | ({ readonly type: "hf_download_dataset" } & DatasetAction)
  | ({ readonly type: "hf_download_model" } & ModelAction);

export interface Step extends StepBase {
  readonly action: Action;
}
