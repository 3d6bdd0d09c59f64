import { basename } from "node:path";
import { needsOf } from "../doctor/workstation/needs.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  type Ground,
  type Outcome,
  type Result,
} from "./step.ts";

const KIB = { "2M": 2048, "1G": 1048576 } as const;

/** After a reboot of the host, with nobody's doing: devices on VFIO, pages set aside, and the cluster at work. */
export async function* verifyAfterReboot(ground: Ground): AsyncGenerator<Result> {
  const { host, site, guests, libvirtUri } = ground;
  const { claims, started } = needsOf(site);
  yield await attempt("boot", undefined, async () => {
    const seconds = Number(((await host.text("proc/uptime")) ?? "").split(" ")[0]);
    return passed(`this host has been up for ${Math.round(seconds / 60)} min`);
  });
  for (const address of claims.keys()) {
    yield await attempt("on VFIO", address, async () => {
      const link = await host.link(`sys/bus/pci/devices/${address}/driver`);
      const driver = link === undefined ? "no driver" : basename(link);
      if (driver === "vfio-pci") return passed("vfio-pci has it");
      return failed(
        `${driver} has it`,
        "see /etc/udev/rules.d/10-ai-how-vfio-*.rules; was the initramfs made anew?",
      );
    });
  }
  for (const size of ["2M", "1G"] as const) {
    const mib = started
      .filter(({ acceleration }) => acceleration.hugepages === size)
      .reduce((sum, { memoryMib }) => sum + memoryMib, 0);
    if (mib === 0) continue;
    yield await attempt(`huge pages of ${size}`, undefined, async () => {
      const text = await host.text(`sys/kernel/mm/hugepages/hugepages-${KIB[size]}kB/nr_hugepages`);
      const [has, wanted] = [Number(text ?? 0), Math.ceil((mib * 1024) / KIB[size])];
      return has >= wanted
        ? passed(`${has} are set aside`)
        : failed(
            `${has} are set aside, ${wanted} are needed`,
            "`systemd-tmpfiles --create`, and see whether memory is in pieces",
          );
    });
  }
  for (const { name } of started) {
    yield await attempt("machine", name, async () => {
      const said = await host.run("virsh", "--connect", libvirtUri, "domstate", name);
      const state = succeeded(said) ? said.stdout.trim() : lastLine(said);
      return state === "running"
        ? passed("runs")
        : failed(state, `virsh autostart ${name}; \`ai-how up\` starts it now`);
    });
    yield await attempt("SSH", name, async () => {
      const guest = guests.find((each) => each.name === name);
      if (guest === undefined) return notTried("the stack is not up");
      const said = await guest.run("true");
      return succeeded(said)
        ? passed("answers")
        : failed("does not answer", "see its console: docs/troubleshooting.md");
    });
  }
  yield await attempt("SLURM", undefined, () => nodes(ground));
}

async function nodes({ site, guests }: Ground): Promise<Outcome> {
  if (site.hpc === undefined) return notTried("the cluster file has no SLURM");
  const name = site.hpc.nodes.find(({ role }) => role === "controller")?.name;
  const controller = guests.find((guest) => guest.name === name);
  if (controller === undefined) return notTried("the stack is not up");
  const said = await controller.run("sinfo", "--noheader", "--Node", "--format=%N %T");
  if (!succeeded(said)) return failed(lastLine(said), "systemctl status slurmctld, there");
  const states = new Set(said.stdout.split("\n").filter((line) => line.trim() !== ""));
  const bad = [...states].filter((line) => !/ (idle|mixed|allocated)$/.test(line.trim()));
  return bad.length === 0
    ? passed([...states].join(", "))
    : failed(bad.join(", "), "sinfo --list-reasons, there");
}
