import { gresOf, listedDevices, type PlannedGpu } from "../../gpu/index.ts";
import { gpuNodes } from "./gpu-nodes.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  type Ground,
  type Guest,
  type Outcome,
  type Result,
} from "./step.ts";

const NOT_UP = "the stack is not up: `ai-how up`, then verify again";
// How long all jobs of a kind are there together, so that none gets what another had; and how long one may wait for a node.
const OVERLAP_SECONDS = 5;
const WAIT_SECONDS = 60;

/** A SLURM job for each GPU and partition, all of a kind at once: each sees one of its own, and no two the same. */
export async function* verifyJobs(ground: Ground): AsyncGenerator<Result> {
  const name = ground.site.hpc?.nodes.find(({ role }) => role === "controller")?.name;
  const controller = ground.guests.find((guest) => guest.name === name);
  for (const { node, planned, guest } of gpuNodes(ground)) {
    for (const { type, count } of gresOf(planned)) {
      yield await attempt(`jobs on ${count} x ${type ?? "gpu"}`, node.name, () =>
        controller === undefined || guest === undefined
          ? Promise.resolve(notTried(NOT_UP))
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
  // A line before each job's, so that their answers can be told apart.
  const script = `for job in $(seq ${count}); do { said=$(${job} </dev/null 2>&1); code=$?; printf 'job %s %s\\n%s\\n' "$job" "$code" "$said"; } & done; wait`;
  const said = await controller.run("sh", "-c", script);
  if (!succeeded(said)) return failed(lastLine(said), "see sinfo and squeue there");
  const answers = said.stdout.split(/^job (?=\d+ \d+$)/m).slice(1);
  const seen: string[] = [];
  for (const answer of answers) {
    const [head = "", ...lines] = answer.split("\n");
    const [number = "", code] = head.split(" ");
    if (code !== "0")
      return failed(
        `job ${number}: ${lines.find((line) => line !== "") ?? ""}`,
        "see sinfo --list-reasons there",
        said.output,
      );
    const own = listedDevices(lines.join("\n")).filter(({ profile }) => (profile === undefined) === whole);
    if (own.length !== 1)
      return failed(
        `job ${number} sees ${own.length} of its kind instead of one`,
        "ConstrainDevices=yes in cgroup.conf, and gres.conf with the device files: `slurmd -G` on the node",
        said.output,
      );
    seen.push(own[0]?.uuid ?? "");
  }
  if (seen.length !== count || new Set(seen).size !== count)
    return failed(
      `${count} jobs have seen ${new Set(seen).size} of ${count}`,
      "`slurmd -G` on the node",
      said.output,
    );
  return passed(
    `${count === 1 ? "it saw its own and no other" : "each saw its own and no other"}: ${seen.join(", ")}`,
  );
}
