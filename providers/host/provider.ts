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

/** The host provider acts on the machine it runs on and has nothing to configure. */
export type HostConfig = Record<string, never>;

/** What a stack needs of the machine it runs on: sandboxes, keys, images and container machines. */
export const host: ProviderDefinition<HostConfig> = {
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
