import { isKnownGpu, knownGpuNames, planGpus } from "../../gpu/index.ts";
import { joinPath, type Problem } from "../problem.ts";
import { nearest } from "../suggest.ts";
import type { Survey, SurveyedNode } from "./survey.ts";

/** A node's claim to a PCI device. */
interface Claim {
  readonly node: SurveyedNode;
  readonly path: string;
  readonly address: string;
  /** True for a parent of mediated devices, which can have several. */
  readonly isShared: boolean;
}

/** PCI devices that are claimed twice, and GPUs that cannot be as described. */
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

/** Devices that VMs share of which one at a time can run (those of two clusters, or that do not start by themselves), and GPUs without one. */
export function deviceWarnings({ clusters }: Survey): Problem[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return [
    ...doubleClaims(nodes)
      .filter(({ isFatal }) => !isFatal)
      .map(asProblem),
    ...nodes.flatMap(absentDevices),
  ];
}

/** GPUs of a VM for which no device of the host is named: SLURM is told of them, and the VM has none. */
function absentDevices(node: SurveyedNode): Problem[] {
  if (node.isHost || node.fields.pcie_passthrough?.enabled === true) return [];
  return (node.fields.gpus ?? []).flatMap(({ pci_address, pretend }, i) =>
    pretend || pci_address !== undefined
      ? []
      : [
          {
            path: joinPath(node.path, "gpus", i),
            message: "has no pci_address: the VM gets no device for it; give one, or pretend: true",
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
  const advice = starts(claim) && starts(other) ? "; up wants auto_start: false for one of them" : "";
  return {
    path: claim.path,
    message: `${claim.address} is ${same}${isFatal ? "" : `: only one of the two can run at a time${advice}`}`,
  };
}

function starts({ node }: Claim): boolean {
  return node.fields.auto_start !== false;
}

/** Files of the old ai-how share a GPU between their two clusters, which were started one at a time. */
function areOneCluster(a: Claim, b: Claim): boolean {
  const isHpc = ({ node }: Claim) => node.role === "controller" || node.role === "compute";
  return isHpc(a) === isHpc(b);
}

function doubleClaims(nodes: readonly SurveyedNode[]): DoubleClaim[] {
  const earlier = new Map<string, Claim[]>();
  return nodes.flatMap(claims).flatMap((claim) => {
    // Two hosts may have different devices at one address.
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
  // A GPU that is also passed through is the same claim, with what the scheduler should know.
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
        message: "a pretended GPU has no address; remove it or pretend",
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
        message: "a GPU is shared by partitions or by time slices; remove it or mig",
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
    return [{ path: at("vgpu"), message: "a pretended GPU is no slice of one; remove it or pretend" }];
  return [
    ...(pci_address === undefined
      ? [{ path: at("pci_address"), message: "is required by vgpu: the device that the host takes it from" }]
      : []),
    ...(mig === undefined
      ? []
      : [{ path: at("mig"), message: "a vGPU cannot be cut further; choose its size by vgpu.type" }]),
  ];
}

/** Partitions that their GPU does not have, or has no room for. */
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
