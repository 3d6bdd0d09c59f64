import { setTimeout as sleep } from "node:timers/promises";
import { compareListing, findGpuModel, listedProfiles } from "../../gpu/index.ts";
import { driverReport, gpuNodes, paired, type GpuNode } from "./gpu-nodes.ts";
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

const REASON = "ai-how verify";
const BOOT_SECONDS = 600;
const NOT_UP = "the stack is not up: `ai-how up`, then verify again";

/** What each GPU says of its partitions, against the catalogue that plans are made by. */
export async function* verifyCatalogue(ground: Ground): AsyncGenerator<Result> {
  for (const { node, planned, guest } of gpuNodes(ground)) {
    const report = guest === undefined ? undefined : await driverReport(guest);
    if (guest === undefined || report === undefined) {
      const why = guest === undefined ? NOT_UP : "its driver does not answer";
      yield await attempt("MIG profiles", node.name, () => Promise.resolve(notTried(why)));
      continue;
    }
    for (const [index, gpu, plan] of paired(planned, report)) {
      const model = findGpuModel(gpu.name) ?? plan?.known;
      yield await attempt("MIG profiles", `${node.name} GPU ${index}`, async () => {
        if (gpu.mig !== "Enabled")
          return notTried(`${gpu.name}: MIG is off, and only then does it list them`);
        if (model === undefined) return notTried(`${gpu.name} is not in the catalogue`);
        const [lgip, lgipp] = [
          await guest.run("nvidia-smi", "mig", "-i", String(index), "-lgip"),
          await guest.run("nvidia-smi", "mig", "-i", String(index), "-lgipp"),
        ];
        if (!succeeded(lgip) || !succeeded(lgipp))
          return failed(lastLine(succeeded(lgip) ? lgipp : lgip), "see `nvidia-smi mig -lgip` there");
        const evidence = `${gpu.name}, driver ${report.version}\n${lgip.stdout}\n${lgipp.stdout}`;
        const listed = listedProfiles(lgip.stdout, lgipp.stdout, index);
        const { wrong, more } = compareListing(listed, model.geometry);
        const tail = more.length === 0 ? "" : `; it has more: ${more.join("; ")}`;
        if (wrong.length > 0)
          return failed(
            `${model.key} is otherwise: ${wrong.join("; ")}${tail}`,
            "send the listing of --json to the project: gpu/catalogue.ts has to say what the driver says",
            evidence,
          );
        const mark = model.derived ? "; the listing of --json clears its mark `derived`" : "";
        return passed(
          `all ${model.geometry.profiles.length} of ${model.key} are as in the catalogue${tail}${mark}`,
          evidence,
        );
      });
    }
  }
}

/**
 * On each machine that has partitions: MIG off, on and cut again, and all of it there after a reboot. SLURM gives it no job meanwhile, and
 * one that runs is waited for by nobody: then this is not tried. A run that is stopped leaves a machine whose next boot mends it.
 */
export async function* verifyPartitioning(ground: Ground): AsyncGenerator<Result> {
  for (const node of gpuNodes(ground).filter(({ planned }) =>
    planned.some(({ placements }) => placements.length > 0),
  ))
    yield* partitioning(ground, node);
}

const STEPS = ["MIG off", "MIG on and cut", "partitions after a reboot"] as const;

async function* partitioning(ground: Ground, { node, planned, guest }: GpuNode): AsyncGenerator<Result> {
  const controller = controllerOf(ground);
  const why = guest === undefined || controller === undefined ? NOT_UP : await occupied(controller, guest);
  if (guest === undefined || controller === undefined || why !== undefined) {
    for (const step of STEPS)
      yield await attempt(step, node.name, () => Promise.resolve(notTried(why ?? NOT_UP)));
    return;
  }
  const now = { isOff: false };
  try {
    await setState(controller, node.name, "DRAIN");
    yield await attempt(STEPS[0], node.name, async () => {
      now.isOff = true;
      for (const [index, { placements }] of planned.entries()) {
        if (placements.length === 0) continue;
        for (const step of [
          ["mig", "-i", String(index), "-dci"],
          ["mig", "-i", String(index), "-dgi"],
          ["-i", String(index), "-mig", "0"],
        ]) {
          const said = await guest.run("nvidia-smi", ...step);
          if (!succeeded(said))
            return failed(lastLine(said), "stop what uses the GPU there: nvidia-smi lists it");
        }
      }
      const report = await driverReport(guest);
      const still = report?.gpus.filter(({ migDevices }) => migDevices > 0) ?? [];
      return report === undefined || still.length > 0
        ? failed("partitions are still there", "see nvidia-smi -L there")
        : passed("no partition is left");
    });
    yield await attempt(STEPS[1], node.name, () => applied(guest));
    now.isOff = false;
    yield await attempt(STEPS[2], node.name, () => rebooted(ground, guest));
  } finally {
    if (now.isOff) await guest.run("ai-how-gpus", "apply");
    await setState(controller, node.name, "RESUME");
  }
}

function controllerOf({ site, guests }: Ground): Guest | undefined {
  const name = site.hpc?.nodes.find(({ role }) => role === "controller")?.name;
  return guests.find((guest) => guest.name === name);
}

/** Why nothing may be changed there; undefined where SLURM has no job on it. */
async function occupied(controller: Guest, { name }: Guest): Promise<string | undefined> {
  const said = await controller.run("squeue", "--noheader", "--nodelist", name, "--format=%i");
  if (!succeeded(said)) return `SLURM does not say whether it is idle: ${lastLine(said)}`;
  const jobs = said.stdout.split("\n").filter((line) => line.trim() !== "");
  return jobs.length === 0 ? undefined : `${jobs.length} jobs run there; wait for them, then verify again`;
}

async function setState(controller: Guest, node: string, state: "DRAIN" | "RESUME"): Promise<void> {
  const reason = state === "DRAIN" ? [`Reason=${REASON}`] : [];
  await controller.run("scontrol", "update", `NodeName=${node}`, `State=${state}`, ...reason);
}

async function applied(guest: Guest): Promise<Outcome> {
  const said = await guest.run("ai-how-gpus", "apply");
  if (!succeeded(said))
    return failed(
      lastLine(said),
      "ai-how-gpus apply, there, says more",
      said.kind === "said" ? said.output : undefined,
    );
  const verified = await guest.run("ai-how-gpus", "verify");
  if (!succeeded(verified)) return failed(lastLine(verified), "ai-how-gpus verify, there");
  return passed("as planned", said.output);
}

/** Boots a machine and waits until it is itself again. */
async function rebooted({ signal }: Ground, guest: Guest): Promise<Outcome> {
  const bootId = async () => {
    const said = await guest.run("cat", "/proc/sys/kernel/random/boot_id");
    return succeeded(said) ? said.stdout.trim() : undefined;
  };
  const before = await bootId();
  await guest.run("systemctl", "reboot");
  const deadline = Date.now() + BOOT_SECONDS * 1000;
  for (let now = await bootId(); now === undefined || now === before; now = await bootId()) {
    if (Date.now() > deadline)
      return failed(`it was not back after ${BOOT_SECONDS} s`, "see its console: docs/troubleshooting.md");
    await sleep(2000, undefined, { signal });
  }
  // The unit that makes them at boot may be at work.
  const unit = await guest.run("systemctl", "start", "ai-how-gpus.service");
  const said = await guest.run("ai-how-gpus", "verify");
  if (succeeded(said)) return passed("as planned, without anybody's doing");
  return failed(lastLine(succeeded(unit) ? said : unit), "journalctl -u ai-how-gpus, there");
}
