import { basename } from "node:path";
import { needsOf } from "../doctor/workstation/needs.ts";
import { PAGE_KIB } from "../doctor/workstation/processor.ts";
import { controllerOf, type VerifyContext } from "./context.ts";
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

/** Verifies after a reboot of the host that devices are on VFIO, huge pages reserved, machines up and SLURM's nodes at work. */
export async function* verifyAfterReboot(context: VerifyContext): AsyncGenerator<Result> {
  const { host, site, guests, libvirtUri } = context;
  const { claims, started } = needsOf(site);
  yield await attempt("boot", undefined, async () => {
    const seconds = Number(((await host.text("proc/uptime")) ?? "").split(" ")[0]);
    return passed(`this host has been up for ${Math.round(seconds / 60)} min`);
  });
  for (const address of claims.keys()) {
    yield await attempt("on VFIO", address, async () => {
      const link = await host.link(`sys/bus/pci/devices/${address}/driver`);
      const driver = link === undefined ? "no driver" : basename(link);
      if (driver === "vfio-pci") return passed("bound to vfio-pci");
      return failed(
        `bound to ${driver}`,
        "check /etc/udev/rules.d/10-ai-how-vfio-*.rules, and run `update-initramfs -u`",
      );
    });
  }
  for (const size of ["2M", "1G"] as const) {
    const mib = started
      .filter(({ acceleration }) => acceleration.hugepages === size)
      .reduce((sum, { memoryMib }) => sum + memoryMib, 0);
    if (mib === 0) continue;
    yield await attempt(`huge pages of ${size}`, undefined, async () => {
      const text = await host.text(`sys/kernel/mm/hugepages/hugepages-${PAGE_KIB[size]}kB/nr_hugepages`);
      const [has, wanted] = [Number(text ?? 0), Math.ceil((mib * 1024) / PAGE_KIB[size])];
      return has >= wanted
        ? passed(`${has} are reserved`)
        : failed(
            `${has} are reserved, ${wanted} are needed`,
            "run `systemd-tmpfiles --create`; if memory is fragmented, reboot",
          );
    });
  }
  for (const { name } of started) {
    yield await attempt("machine", name, async () => {
      const result = await host.run("virsh", "--connect", libvirtUri, "domstate", name);
      const state = succeeded(result) ? result.stdout.trim() : lastLine(result);
      return state === "running"
        ? passed("runs")
        : failed(state, `run \`virsh autostart ${name}\`; \`ai-how up\` starts it now`);
    });
    yield await attempt("SSH", name, async () => {
      const guest = guests.find((each) => each.name === name);
      if (guest === undefined) return STACK_IS_DOWN;
      const result = await guest.run("true");
      return succeeded(result)
        ? passed("answers")
        : failed("does not answer", "look at its console: docs/troubleshooting.md");
    });
  }
  yield await attempt("SLURM", undefined, () => nodes(context));
}

async function nodes(context: VerifyContext): Promise<Outcome> {
  if (context.site.hpc === undefined) return notTried("the cluster file has no SLURM cluster");
  const controller = controllerOf(context);
  if (controller === undefined) return STACK_IS_DOWN;
  const result = await controller.run("sinfo", "--noheader", "--Node", "--format=%N %T");
  if (!succeeded(result))
    return failed(lastLine(result), "run `systemctl status slurmctld` on the controller");
  const states = new Set(result.stdout.split("\n").filter((line) => line.trim() !== ""));
  const bad = [...states].filter((line) => !/ (idle|mixed|allocated)$/.test(line.trim()));
  return bad.length === 0
    ? passed([...states].join(", "))
    : failed(bad.join(", "), "run `sinfo --list-reasons` on the controller");
}
