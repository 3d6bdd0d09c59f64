import { basename } from "node:path";
import { fail, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import type { Needs } from "./needs.ts";

const PCI = "sys/bus/pci/devices";

/** Checks the IOMMU, which keeps a passed-through device from the host's memory, and VFIO. */
export async function iommu(host: Host, { claims }: Needs): Promise<Finding[]> {
  if (claims.size === 0) return [];
  const groups = await host.list("sys/kernel/iommu_groups");
  const arguments_ = (await host.text("proc/cmdline")) ?? "";
  const isIntel = ((await host.text("proc/cpuinfo")) ?? "").includes("GenuineIntel");
  const remedy =
    isIntel && !/\bintel_iommu=on\b/.test(arguments_)
      ? "switch on VT-d in the firmware, and boot with intel_iommu=on"
      : "switch on VT-d or AMD-Vi in the firmware";
  const module = await vfioModule(host);
  return [
    groups.length > 0
      ? pass("iommu", `${groups.length} groups`)
      : fail("iommu", `off, but the cluster file claims ${claims.size} devices`, remedy),
    module,
  ];
}

async function vfioModule(host: Host): Promise<Finding> {
  if (await host.may("sys/bus/pci/drivers/vfio-pci")) return pass("vfio", "vfio-pci is loaded");
  const result = await host.run("modinfo", "--field", "name", "vfio-pci");
  if (result.kind === "ended" && result.exitCode === 0)
    return pass("vfio", "vfio-pci is installed and not loaded yet");
  return fail(
    "vfio",
    "this kernel has no vfio-pci",
    "install the distribution's ordinary kernel: linux-image-amd64 or linux-image-generic",
  );
}

/** Checks that each claimed device exists and that its IOMMU group holds only devices of `all` claims. */
export async function devices(
  host: Host,
  { claims }: Needs,
  all: Needs["claims"] = claims,
): Promise<Finding[]> {
  return Promise.all([...claims].map(([address, machines]) => device(host, address, machines, all)));
}

async function device(
  host: Host,
  address: string,
  machines: readonly string[],
  claims: Needs["claims"],
): Promise<Finding> {
  const check = `device ${address}`;
  const wants = `${machines.join(" and ")} ${machines.length === 1 ? "claims" : "claim"} it`;
  const kind = (await host.text(`${PCI}/${address}/class`))?.trim();
  if (kind === undefined) {
    const remedy = "`ai-how inventory pcie` lists the devices of this host";
    return fail(check, `missing; ${wants}`, remedy);
  }
  const group = await host.link(`${PCI}/${address}/iommu_group`);
  if (group === undefined) return fail(check, "has no IOMMU group", "switch on VT-d or AMD-Vi");
  const others: string[] = [];
  for (const other of await host.list(`${PCI}/${address}/iommu_group/devices`)) {
    const isBridge = ((await host.text(`${PCI}/${other}/class`)) ?? "").startsWith("0x0604");
    if (!claims.has(other) && !isBridge) others.push(other);
  }
  if (others.length > 0) {
    return fail(
      check,
      `shares IOMMU group ${basename(group)} with ${others.join(", ")}`,
      "list them under pcie_passthrough, or use another slot of the board",
    );
  }
  const driver = await host.link(`${PCI}/${address}/driver`);
  const has = driver === undefined ? "no driver" : `driver ${basename(driver)}`;
  return pass(check, `${has}, IOMMU group ${basename(group)}; ${wants}`);
}
