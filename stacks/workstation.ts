import type * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";
import type { Site, Workshop } from "../config/site.ts";
import { beegfsProblems } from "./beegfs.ts";
import { makeHostMachines } from "./host-machines.ts";
import { configureHpc, machineOutput } from "./hpc.ts";
import { assertReady } from "./preflight.ts";
import { ADMIN_KEY_OUTPUT, OUTPUTS_VERSION, type StackOutputs } from "./outputs.ts";

/** Addresses of the host's daemons. */
export interface HostEndpoints {
  /** libvirt's connection URI. */
  readonly libvirtUri: string;
  /** Docker's address. Undefined: DOCKER_HOST, else Docker's default socket. */
  readonly dockerHost: string | undefined;
}

/** The target for one large machine: VMs of an HPC and a cloud cluster on its libvirt, with GPUs passed through to them. */
export async function workstation(
  site: Site,
  { libvirtUri, dockerHost }: HostEndpoints,
): Promise<pulumi.Inputs> {
  assertSupported(site);
  assertReady(site);
  const machines = await makeHostMachines(site, libvirtUri);
  const hpc = site.hpc && configureHpc(site.hpc, machines);
  const cloud = (site.cloud?.nodes ?? []).map((node) => machineOutput(node, machines.of(node.name)));
  const outputs = {
    version: OUTPUTS_VERSION,
    target: "workstation",
    site: site.name,
    ...hpc,
    machines: [...(hpc?.machines ?? []), ...cloud],
    ...(site.workshop !== undefined && { workshop: await workshopOf(site.name, site.workshop, dockerHost) }),
  } satisfies { [Key in keyof StackOutputs]: unknown };
  return { ...outputs, ...(machines.adminKey !== undefined && { [ADMIN_KEY_OUTPUT]: machines.adminKey }) };
}

/** Imports on demand: a file without a workshop does not need Docker's package. */
async function workshopOf(site: string, workshop: Workshop, dockerHost: string | undefined) {
  const { makeWorkshop } = await import("./workshop.ts");
  return makeWorkshop(site, workshop, dockerHost);
}

function assertSupported({ machines, hpc, cloud }: Site): void {
  const unsupported: readonly (readonly [string, boolean])[] = [
    [
      "machines: container: only the target dev supports containers; use machines: vm",
      machines === "container",
    ],
    [
      "clusters.cloud: image.builder: packer supports SLURM nodes only; remove it",
      cloud?.nodes.some((node) => node.kind === "virtual" && node.image.kind === "packer") ?? false,
    ],
  ];
  const details = [
    ...unsupported.filter(([, isPresent]) => isPresent).map(([problem]) => problem),
    ...(hpc === undefined ? [] : beegfsProblems(hpc)),
  ];
  if (details.length > 0)
    throw new UserError("the target workstation cannot build this cluster file", { details });
}
