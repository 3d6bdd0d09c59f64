import { gresOf, listedDevices, type PlannedGpu } from "../../gpu/index.ts";
import { gpuNodes } from "./gpu-nodes.ts";
import { controllerOf, type Guest, type VerifyContext } from "./context.ts";
import {
  attempt,
  failed,
  lastLine,
  passed,
  succeeded,
  STACK_IS_DOWN,
  type Outcome,
  type Result,
} from "./step.ts";

// All jobs of a kind run at the same time for this long, so that none can get the GPU that another had before.
const OVERLAP_SECONDS = 5;
const WAIT_SECONDS = 60;

/** Runs a SLURM job for each GPU and partition, all of a kind at once. Each job has to see one device, and no two jobs the same. */
export async function* verifyJobs(context: VerifyContext): AsyncGenerator<Result> {
  const controller = controllerOf(context);
  for (const { node, planned, guest } of gpuNodes(context)) {
    for (const { type, count } of gresOf(planned)) {
      yield await attempt(`jobs on ${count} x ${type ?? "gpu"}`, node.name, () =>
        controller === undefined || guest === undefined
          ? STACK_IS_DOWN
          : jobs(controller, node.name, type, count, isWhole(planned, type)),
      );
    }
  }
}

function isWhole(planned: readonly PlannedGpu[], type: string | undefined): boolean {
  return !planned.some(({ placements }) => placements.some(({ profile }) => profile.name === type));
}

async function jobs(
  controller: Guest,
  node: string,
  type: string | undefined,
  count: number,
  whole: boolean,
): Promise<Outcome> {
  const gres = ["gpu", ...(type === undefined ? [] : [type]), "1"].join(":");
  const job = `srun --nodelist=${node} --gres=${gres} --ntasks=1 --mem=16M --time=2 --immediate=${WAIT_SECONDS} --job-name=ai-how-verify sh -c 'nvidia-smi -L; sleep ${OVERLAP_SECONDS}'`;
  // The line `job NUMBER EXITCODE` separates the outputs of the jobs.
  const script = `for job in $(seq ${count}); do { result=$(${job} </dev/null 2>&1); code=$?; printf 'job %s %s\\n%s\\n' "$job" "$code" "$result"; } & done; wait`;
  const result = await controller.run("sh", "-c", script);
  if (!succeeded(result)) return failed(lastLine(result), "run sinfo and squeue on the controller");
  const answers = result.stdout.split(/^job (?=\d+ \d+$)/m).slice(1);
  const seen: string[] = [];
  for (const answer of answers) {
    const [head = "", ...lines] = answer.split("\n");
    const [number = "", code] = head.split(" ");
    if (code !== "0")
      return failed(
        `job ${number}: ${lines.find((line) => line !== "") ?? ""}`,
        "run `sinfo --list-reasons` on the controller",
        result.output,
      );
    const own = listedDevices(lines.join("\n")).filter(({ profile }) => (profile === undefined) === whole);
    if (own.length !== 1)
      return failed(
        `job ${number} sees ${own.length} devices instead of 1`,
        "check ConstrainDevices=yes in cgroup.conf, and the device files in gres.conf with `slurmd -G` on the node",
        result.output,
      );
    seen.push(own[0]?.uuid ?? "");
  }
  if (seen.length !== count || new Set(seen).size !== count)
    return failed(
      `${count} jobs saw ${new Set(seen).size} of ${count} devices`,
      "run `slurmd -G` on the node",
      result.output,
    );
  return passed(
    `${count === 1 ? "the job saw one device" : "each job saw one device, no two the same"}: ${seen.join(", ")}`,
  );
}
