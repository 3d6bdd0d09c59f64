import type { ProviderDefinition } from "../framework/resource.ts";
import { container } from "./container.ts";
import { cpuAllocation } from "./cpu-allocation.ts";
import { dockerDaemon } from "./docker-daemon.ts";
import { fileDigestOf } from "./file-digest.ts";
import { folder } from "./folder.ts";
import { hypervisor } from "./hypervisor.ts";
import { image } from "./image.ts";
import { packerImage } from "./packer-image.ts";
import { randomSecret } from "./random-secret.ts";
import { sandbox } from "./sandbox.ts";
import { sshKey } from "./ssh-key.ts";
import { slurmDrains } from "./slurm-drains.ts";
import { sshReady } from "./ssh-ready.ts";
import { virtualGpu } from "./virtual-gpu.ts";

/**
 * What a stack needs of the machine it runs on: sandboxes, keys, images and container machines. The provider acts on that
 * machine only, so it has no configuration.
 */
export const host: ProviderDefinition<Record<string, never>> = {
  name: "host",
  version: "0.1.0",
  config: {},
  resources: [
    container,
    cpuAllocation,
    dockerDaemon,
    folder,
    hypervisor,
    image,
    packerImage,
    randomSecret,
    sandbox,
    slurmDrains,
    sshKey,
    sshReady,
    virtualGpu,
  ],
  invokes: [fileDigestOf],
};
