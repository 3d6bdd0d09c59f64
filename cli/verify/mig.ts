import { setTimeout as sleep } from "node:timers/promises";
import { compareListing, findGpuModel, listedProfiles } from "../../gpu/index.ts";
import { driverReport, gpuNodes, paired, type GpuNode } from "./gpu-nodes.ts";
import { controllerOf, type Guest, type VerifyContext } from "./context.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  STACK_IS_DOWN,
  type Outcome,
  type Result,
} from "./step.ts";

const REASON = "ai-how verify";
const BOOT_SECONDS = 600;

/** Compares the MIG profiles that each GPU lists with the catalogue that plans come from. */
export async function* verifyCatalogue(context: VerifyContext): AsyncGenerator<Result> {
  for (const { node, planned, guest } of gpuNodes(context)) {
    const report = guest === undefined ? undefined : await driverReport(guest);
    if (guest === undefined || report === undefined) {
      const outcome = guest === undefined ? STACK_IS_DOWN : notTried("its driver does not answer");
      yield await attempt("MIG profiles", node.name, () => outcome);
      continue;
    }
    for (const [index, gpu, plan] of paired(planned, report)) {
      const model = findGpuModel(gpu.name) ?? plan?.known;
      yield await attempt("MIG profiles", `${node.name} GPU ${index}`, async () => {
        if (gpu.mig !== "Enabled")
          return notTried(`${gpu.name}: MIG is off, and the driver lists profiles only while it is on`);
        if (model === undefined) return notTried(`${gpu.name} is not in the catalogue`);
        const [lgip, lgipp] = [
          await guest.run("nvidia-smi", "mig", "-i", String(index), "-lgip"),
          await guest.run("nvidia-smi", "mig", "-i", String(index), "-lgipp"),
        ];
        if (!succeeded(lgip) || !succeeded(lgipp))
          return failed(
            lastLine(succeeded(lgip) ? lgipp : lgip),
            "run `nvidia-smi mig -lgip` in the machine",
          );
        const evidence = `${gpu.name}, driver ${report.version}\n${lgip.stdout}\n${lgipp.stdout}`;
        const listed = listedProfiles(lgip.stdout, lgipp.stdout, index);
        const { wrong, more } = compareListing(listed, model.geometry);
        const tail = more.length === 0 ? "" : `; not in the catalogue: ${more.join("; ")}`;
        if (wrong.length > 0)
          return failed(
            `${model.key} differs from the catalogue: ${wrong.join("; ")}${tail}`,
            "send the listing in the report of --json to the project, which has to correct gpu/catalogue.ts",
            evidence,
          );
        const mark = model.derived
          ? "; send the listing in the report of --json to the project: it clears the mark `derived`"
          : "";
        return passed(
          `all ${model.geometry.profiles.length} profiles of ${model.key} are as in the catalogue${tail}${mark}`,
          evidence,
        );
      });
    }
  }
}

/**
 * Switches MIG off and on again on each machine with partitions, creates the partitions, and verifies them after a reboot. The node is
 * drained for that time; with a running job the steps are not tried. If the run is killed, the machine's next boot repairs it.
 */
export async function* verifyPartitioning(context: VerifyContext): AsyncGenerator<Result> {
  for (const node of gpuNodes(context).filter(({ planned }) =>
    planned.some(({ placements }) => placements.length > 0),
  ))
    yield* partitioning(context, node);
}

const STEPS = ["MIG off", "MIG on and cut", "partitions after a reboot"] as const;

async function* partitioning(
  context: VerifyContext,
  { node, planned, guest }: GpuNode,
): AsyncGenerator<Result> {
  const controller = controllerOf(context);
  const obstacle =
    guest === undefined || controller === undefined ? STACK_IS_DOWN : await occupied(controller, guest);
  if (guest === undefined || controller === undefined || obstacle !== undefined) {
    for (const step of STEPS) yield await attempt(step, node.name, () => obstacle ?? STACK_IS_DOWN);
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
          const result = await guest.run("nvidia-smi", ...step);
          if (!succeeded(result))
            return failed(
              lastLine(result),
              "end the programs on the GPU, which nvidia-smi lists in the machine",
            );
        }
      }
      const report = await driverReport(guest);
      const still = report?.gpus.filter(({ migDevices }) => migDevices > 0) ?? [];
      return report === undefined || still.length > 0
        ? failed("partitions are left", "run `nvidia-smi -L` in the machine")
        : passed("no partition is left");
    });
    yield await attempt(STEPS[1], node.name, () => applied(guest));
    now.isOff = false;
    yield await attempt(STEPS[2], node.name, () => rebooted(context, guest));
  } finally {
    if (now.isOff) await guest.run("ai-how-gpus", "apply");
    await setState(controller, node.name, "RESUME");
  }
}

/** The outcome of steps that may not change the node; undefined: SLURM has no job on it. */
async function occupied(controller: Guest, { name }: Guest): Promise<Outcome | undefined> {
  const result = await controller.run("squeue", "--noheader", "--nodelist", name, "--format=%i");
  if (!succeeded(result)) return notTried(`SLURM does not say if the node is idle: ${lastLine(result)}`);
  const jobs = result.stdout.split("\n").filter((line) => line.trim() !== "");
  return jobs.length === 0
    ? undefined
    : notTried(`${jobs.length} jobs run on the node; wait for them, then verify again`);
}

async function setState(controller: Guest, node: string, state: "DRAIN" | "RESUME"): Promise<void> {
  const reason = state === "DRAIN" ? [`Reason=${REASON}`] : [];
  await controller.run("scontrol", "update", `NodeName=${node}`, `State=${state}`, ...reason);
}

async function applied(guest: Guest): Promise<Outcome> {
  const result = await guest.run("ai-how-gpus", "apply");
  if (!succeeded(result))
    return failed(
      lastLine(result),
      "run `ai-how-gpus apply` in the machine",
      result.kind === "ended" ? result.output : undefined,
    );
  const verified = await guest.run("ai-how-gpus", "verify");
  if (!succeeded(verified)) return failed(lastLine(verified), "run `ai-how-gpus verify` in the machine");
  return passed("as planned", result.output);
}

/** Reboots a machine, waits for it, and verifies its partitions. */
async function rebooted({ signal }: VerifyContext, guest: Guest): Promise<Outcome> {
  const bootId = async () => {
    const result = await guest.run("cat", "/proc/sys/kernel/random/boot_id");
    return succeeded(result) ? result.stdout.trim() : undefined;
  };
  const before = await bootId();
  await guest.run("systemctl", "reboot");
  const deadline = Date.now() + BOOT_SECONDS * 1000;
  for (let now = await bootId(); now === undefined || now === before; now = await bootId()) {
    if (Date.now() > deadline)
      return failed(
        `no answer ${BOOT_SECONDS} s after the reboot`,
        "look at its console: docs/troubleshooting.md",
      );
    await sleep(2000, undefined, { signal });
  }
  // Waits for the unit if it is still creating partitions.
  const unit = await guest.run("systemctl", "start", "ai-how-gpus.service");
  const result = await guest.run("ai-how-gpus", "verify");
  if (succeeded(result)) return passed("as planned");
  return failed(lastLine(succeeded(unit) ? result : unit), "run `journalctl -u ai-how-gpus` in the machine");
}
