import { isKnownGpu, knownGpuNames, planGpus } from "../../gpu/index.ts";
import { joinPath, type Problem } from "../problem.ts";
import { nearest } from "../suggest.ts";
import type { Survey, SurveyedNode } from "./survey.ts";

/** A PCI device that a node asks for. */
interface Claim {
  readonly node: SurveyedNode;
  readonly path: string;
  readonly address: string;
  /** True for the parent of mediated devices, which several VMs can share. */
  readonly isShared: boolean;
}

/** Problems with devices: PCI devices that two nodes claim, and GPUs with impossible settings. */
export function deviceProblems({ clusters, machines }: Survey): Problem[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return [
    ...doubleClaims(nodes)
      .filter(({ isFatal }) => isFatal)
      .map(asProblem),
    ...nodes.flatMap(gpuProblems),
    ...nodes.flatMap(partitionProblems),
    ...(machines === "container" ? nodes.filter((node) => claims(node).length > 0 && !node.isHost) : []).map(
      (node) => ({
        path: joinPath(
          node.path,
          node.fields.pcie_passthrough?.enabled === true ? "pcie_passthrough" : "gpus",
        ),
        message: "a container cannot have a PCI device; use machines: vm",
      }),
    ),
  ];
}

/**
 * Warnings about devices: a PCI device of two VMs that need not run at the same time, because they belong to different clusters
 * or one has auto_start: false; and GPUs without a device.
 */
export function deviceWarnings({ clusters }: Survey): Problem[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return [
    ...doubleClaims(nodes)
      .filter(({ isFatal }) => !isFatal)
      .map(asProblem),
    ...nodes.flatMap(absentDevices),
  ];
}

/** Warnings about GPUs without pci_address: SLURM's configuration lists them, but the VM gets no device. */
function absentDevices(node: SurveyedNode): Problem[] {
  if (node.isHost || node.fields.pcie_passthrough?.enabled === true) return [];
  return (node.fields.gpus ?? []).flatMap(({ pci_address, pretend }, i) =>
    pretend || pci_address !== undefined
      ? []
      : [
          {
            path: joinPath(node.path, "gpus", i),
            message: "has no pci_address, so the VM gets no device; set it, or pretend: true",
          },
        ],
  );
}

interface DoubleClaim {
  readonly claim: Claim;
  readonly other: Claim;
  readonly isFatal: boolean;
}

function asProblem({ claim, other, isFatal }: DoubleClaim): Problem {
  const same = claim.node === other.node ? "already listed" : `already claimed by ${other.node.name}`;
  const advice = starts(claim) && starts(other) ? "; up needs auto_start: false for one of them" : "";
  return {
    path: claim.path,
    message: `${claim.address} is ${same}${isFatal ? "" : `: only one of the two VMs can run at a time${advice}`}`,
  };
}

function starts({ node }: Claim): boolean {
  return node.fields.auto_start !== false;
}

/** True for nodes of the same cluster. The old ai-how ran one cluster at a time, so its two clusters may share a GPU. */
function areOneCluster(a: Claim, b: Claim): boolean {
  const isHpc = ({ node }: Claim) => node.role === "controller" || node.role === "compute";
  return isHpc(a) === isHpc(b);
}

function doubleClaims(nodes: readonly SurveyedNode[]): DoubleClaim[] {
  const earlier = new Map<string, Claim[]>();
  return nodes.flatMap(claims).flatMap((claim) => {
    // PCI addresses are unique per host only.
    const key = `${claim.node.fields.ssh?.host ?? ""} ${claim.address}`;
    const others = earlier.get(key) ?? [];
    earlier.set(key, [...others, claim]);
    const excluding = others.filter((other) => !(other.isShared && claim.isShared));
    const rival = excluding.find(
      (other) => other.node === claim.node || (areOneCluster(other, claim) && starts(other) && starts(claim)),
    );
    const other = rival ?? excluding[0];
    return other === undefined ? [] : [{ claim, other, isFatal: rival !== undefined }];
  });
}

function claims(node: SurveyedNode): Claim[] {
  const { pcie_passthrough: passthrough, gpus = [] } = node.fields;
  const passed = (passthrough?.enabled === true ? passthrough.devices : []).map((device, i) => ({
    node,
    path: joinPath(node.path, "pcie_passthrough", "devices", i, "pci_address"),
    address: device.pci_address.toLowerCase(),
    isShared: false,
  }));
  // An address in both gpus and pcie_passthrough is one claim.
  const own = gpus.flatMap(({ pci_address, vgpu }, i) => {
    const address = pci_address?.toLowerCase();
    if (address === undefined || passed.some((claim) => claim.address === address)) return [];
    const isShared = vgpu?.backend === "mdev";
    return [{ node, path: joinPath(node.path, "gpus", i, "pci_address"), address, isShared }];
  });
  return [...passed, ...own];
}

function gpuProblems({ path, fields }: SurveyedNode): Problem[] {
  return (fields.gpus ?? []).flatMap((gpu, i) => {
    const at = (key: string) => joinPath(path, "gpus", i, key);
    const problems: Problem[] = [];
    if (gpu.pretend && gpu.model === undefined) {
      problems.push({ path: at("model"), message: "is required for a pretended GPU" });
    }
    if (gpu.pretend && gpu.pci_address !== undefined) {
      problems.push({
        path: at("pci_address"),
        message: "a pretended GPU has no address; remove pci_address or pretend",
      });
    }
    if (gpu.count > 1 && gpu.pci_address !== undefined) {
      problems.push({
        path: at("count"),
        message: `${gpu.count} GPUs cannot share one pci_address; list them one by one`,
      });
    }
    if (gpu.time_slices !== undefined && gpu.mig !== undefined) {
      problems.push({
        path: at("time_slices"),
        message: "a GPU has either partitions or time slices; remove time_slices or mig",
      });
    }
    if (gpu.vgpu !== undefined) problems.push(...vgpuProblems(gpu, at));
    return problems;
  });
}

function vgpuProblems(
  { pci_address, pretend, mig }: NonNullable<SurveyedNode["fields"]["gpus"]>[number],
  at: (key: string) => string,
): Problem[] {
  if (pretend)
    return [{ path: at("vgpu"), message: "a pretended GPU cannot be a vGPU; remove vgpu or pretend" }];
  return [
    ...(pci_address === undefined
      ? [{ path: at("pci_address"), message: "is required by vgpu: the device on which the host creates it" }]
      : []),
    ...(mig === undefined
      ? []
      : [
          {
            path: at("mig"),
            message: "a vGPU cannot be partitioned; remove mig, and choose the size by vgpu.type",
          },
        ]),
  ];
}

/** Problems with MIG partitions: profiles that the GPU does not have, and sets that do not fit. */
function partitionProblems({ path, fields }: SurveyedNode): Problem[] {
  const gpus = fields.gpus ?? [];
  const requests = gpus.map(({ model, pci_address, pretend, count, mig }) => ({
    model,
    pciAddress: pci_address,
    pretended: pretend,
    count,
    migProfiles: mig?.profiles ?? [],
  }));
  return planGpus(requests).problems.map(({ request, partition, message }) => {
    const at = joinPath(path, "gpus", request);
    const { model } = requests[request] ?? {};
    const guess = model === undefined || isKnownGpu(model) ? undefined : nearest(model, knownGpuNames());
    return {
      path: partition === undefined ? joinPath(at, "mig") : joinPath(at, "mig", "profiles", partition),
      message: guess === undefined ? message : `${message}; did you mean ${guess}?`,
    };
  });
}
