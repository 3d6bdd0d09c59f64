import { readFileSync } from "node:fs";
import { Option, type Command } from "commander";
import { UserError } from "../../config/errors.ts";
import { entrypoints, parseEntrypoint } from "../../services/dev/entrypoints.ts";
import { ensureImage, wantedImage } from "../../services/dev/image.ts";
import { ContainerRuntime, type RuntimeProgram } from "../../services/docker/runtime.ts";
import { checkGpus, hostGpus, parseGpuSelection, type GpuSelection } from "../../services/docker/gpus.ts";
import { statusLine } from "../../services/jobs/lines.ts";
import { startJob } from "../../services/jobs/start.ts";
import { look, untilOver } from "../../services/jobs/state.ts";
import { jobProjectRoot, statusFile } from "../../services/jobs/place.ts";
import { variable } from "../dev.ts";
import { GRACE_SECONDS, placeOf, positiveNumber, wholeNumber, withJob, type JobOptions } from "./options.ts";
import { report } from "./report.ts";

interface RunOptions extends JobOptions {
  readonly image?: string;
  readonly entrypoint?: string;
  readonly engine?: RuntimeProgram;
  readonly gpu?: string;
  readonly env: readonly string[];
  readonly envFile?: string;
  readonly replace?: boolean;
  readonly wait?: boolean;
  readonly grace: number;
  readonly logSize: number;
  readonly logKeep: number;
  readonly progress: number;
}

const MIB = 1024 * 1024;

/** `job run`: starts a job, a command in a container in the background. */
export function addRun(job: Command): void {
  withJob(job.command("run"))
    .description("start a command in a container in the background; exit 0 when it runs")
    .argument(
      "[command...]",
      "words, joined to one line for `bash -lc`, or passed unchanged to an entrypoint",
    )
    .passThroughOptions()
    .option(
      "--image <name>",
      "image of the container. Default: SYGALDRY_IMAGE, otherwise the development container's",
    )
    .option("-e, --entrypoint <name>", `entrypoint for the words: ${entrypoints().join(", ")}. Default: Bash`)
    .addOption(
      new Option("--engine <name>", "container runtime. Default: docker, otherwise podman").choices([
        "docker",
        "podman",
      ]),
    )
    .option(
      "--gpu <which>",
      "all, none, or indices and UUIDs of GPUs and MIG partitions, separated by commas. Default: all",
    )
    .option<readonly string[]>(
      "--env <name>",
      "variable of this environment that the container gets",
      variable,
      [],
    )
    .option("--env-file <file>", "file of variables for the container, one NAME=VALUE per line")
    .option("--replace", "stop a running job of this name first")
    .option("--wait", "wait until the job ends; exit with its exit code")
    .option(
      "--grace <seconds>",
      "with --replace: time between SIGTERM and SIGKILL",
      wholeNumber,
      GRACE_SECONDS,
    )
    .option("--log-size <MiB>", "largest size of a log file", positiveNumber, 100)
    .option("--log-keep <count>", "number of full log files to keep", wholeNumber, 5)
    .option("--progress <seconds>", "time between progress events", positiveNumber, 300)
    .action(async (words: string[], options: RunOptions) => {
      const place = placeOf(options);
      if (words.length === 0 && options.entrypoint === undefined)
        throw new UserError("a command is required: give one after --", { exitCode: 2 });
      const entrypoint = options.entrypoint === undefined ? undefined : parseEntrypoint(options.entrypoint);
      const gpus = await gpusFor(options.gpu);
      const runtime = await ContainerRuntime.find(options.engine);
      const { run, pid } = await startJob({
        ...{ place, runtime, gpus, entrypoint },
        words,
        env: environment(options),
        image: await imageFor(runtime, options.image),
        projectRoot: options.projectRoot ?? jobProjectRoot(process.cwd()),
        ...{ replace: options.replace === true, graceSeconds: options.grace },
        ...{ logBytes: Math.ceil(options.logSize * MIB), logKeep: options.logKeep },
        progressSeconds: options.progress,
      });
      if (options.json !== true)
        process.stdout.write(
          [
            `job: ${place.job}`,
            `project id: ${place.project}`,
            `pid: ${pid ?? "unknown"}`,
            `log: ${run.files.log}`,
            `pid file: ${run.files.pid}`,
            `events: ${run.files.events}`,
            `status: ${statusFile(place)}`,
            "",
          ].join("\n"),
        );
      const outcome = options.wait === true ? await untilOver(run) : undefined;
      const seen = await look(run);
      if (options.json === true) process.stdout.write(`${JSON.stringify(report(seen), undefined, 2)}\n`);
      else if (outcome !== undefined) process.stdout.write(`${statusLine(seen.status)}\n`);
      if (outcome !== undefined) process.exitCode = outcome.exitCode ?? 1;
    });
}

/** The requested image, which the runtime pulls if necessary, or the development container's, which is built if necessary. */
async function imageFor(runtime: ContainerRuntime, asked: string | undefined): Promise<string> {
  const image = asked === undefined ? wantedImage() : { name: asked, isNamed: true };
  if (!image.isNamed)
    await ensureImage(runtime, image, (line) => {
      process.stderr.write(`note: ${line}\n`);
    });
  return image.name;
}

/** The requested GPUs, otherwise all of the host, or none with SYGALDRY_GPU=false. */
async function gpusFor(text: string | undefined): Promise<GpuSelection> {
  const isWanted = process.env.SYGALDRY_GPU !== "false";
  const asked = text === undefined ? undefined : parseGpuSelection(text);
  if (asked === "none" || (asked === undefined && !isWanted)) return "none";
  const present = await hostGpus();
  if (asked === undefined) {
    if (present.length > 0) return "all";
    process.stderr.write("note: without GPUs: `nvidia-smi -L` lists none on this host\n");
    return "none";
  }
  checkGpus(asked, present);
  return asked;
}

function environment({ env, envFile }: RunOptions): Record<string, string> {
  const fromFile = envFile === undefined ? [] : parseEnvFile(envFile);
  const named = env.map((name): [string, string] => {
    const value = process.env[name];
    if (value === undefined) throw new UserError(`--env: ${name} is not set; set it, or use --env-file`);
    return [name, value];
  });
  const all = [...fromFile, ...named];
  const broken = all.find(([, value]) => value.includes("\n"));
  if (broken !== undefined)
    throw new UserError(
      `--env: ${broken[0]} has more than one line, which container runtimes do not accept; put it into a file of the project`,
    );
  return Object.fromEntries(all);
}

function parseEnvFile(file: string): [string, string][] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`--env-file: ${error instanceof Error ? error.message : String(error)}`, {
      exitCode: 2,
    });
  }
  return text.split("\n").flatMap((line, index): [string, string][] => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const at = line.indexOf("=");
    if (at < 1) throw new UserError(`--env-file: ${file}:${index + 1} is not NAME=VALUE`, { exitCode: 2 });
    return [[line.slice(0, at), line.slice(at + 1)]];
  });
}
