import * as pulumi from "@pulumi/pulumi";
import { type ElementArgs, resourceClass } from "../framework/resource-class.ts";
import type { containerSchemas } from "./container/inputs.ts";
import type { ContainerOutputs } from "./container.ts";
import type { CpuAllocationOutputs, cpuAllocationSchemas } from "./cpu-allocation.ts";
import type { DockerDaemonOutputs, dockerDaemonSchemas } from "./docker-daemon.ts";
import type { folderSchemas } from "./folder.ts";
import type { HypervisorOutputs, hypervisorSchemas } from "./hypervisor.ts";
import type { imageSchemas } from "./image/inputs.ts";
import type { ImageOutputs } from "./image.ts";
import type { packerImageSchemas } from "./packer/inputs.ts";
import type { PackerImageOutputs } from "./packer-image.ts";
import type { RandomSecretOutputs, randomSecretSchemas } from "./random-secret.ts";
import type { SandboxOutputs, sandboxSchemas } from "./sandbox.ts";
import type { SlurmDrainsOutputs, slurmDrainsSchemas } from "./slurm-drains.ts";
import type { SshKeyOutputs, sshKeySchemas } from "./ssh-key.ts";
import type { SshReadyOutputs, sshReadySchemas } from "./ssh-ready.ts";
import type { VirtualGpuOutputs, virtualGpuSchemas } from "./virtual-gpu.ts";

/** A network namespace with a libvirtd of its own that neither sees nor disturbs the host's. */
export const Sandbox = resourceClass<typeof sandboxSchemas, SandboxOutputs>("host:index:Sandbox", {
  running: "plain",
  uri: "plain",
  networkNamespace: "plain",
  proxyCommand: "plain",
  poolDirectory: "plain",
  consoleDirectory: "plain",
  containerDirectory: "plain",
  sharedDirectory: "plain",
});

/** An ed25519 key pair that is kept in the stack's state. */
export const SshKey = resourceClass<typeof sshKeySchemas, SshKeyOutputs>("host:index:SshKey", {
  publicKey: "plain",
  privateKey: "secret",
});
export type SshKey = InstanceType<typeof SshKey>;

/** Waits until a machine answers SSH. */
export const SshReady = resourceClass<typeof sshReadySchemas, SshReadyOutputs>("host:index:SshReady", {
  ready: "plain",
});

/** The nodes that SLURM has drained because their GPUs are not as planned: seen by a refresh. */
export const SlurmDrains = resourceClass<Omit<typeof slurmDrainsSchemas, "drained">, SlurmDrainsOutputs>(
  "host:index:SlurmDrains",
  { occasions: "plain" },
);

/** Random bytes that are drawn once and kept, encrypted, in the stack's state: a munge key, a password. */
export const RandomSecret = resourceClass<typeof randomSecretSchemas, RandomSecretOutputs>(
  "host:index:RandomSecret",
  { value: "secret" },
);

/** Which of the host's CPUs each machine has for itself: a machine keeps its own while others come and go. */
export const CpuAllocation = resourceClass<typeof cpuAllocationSchemas, CpuAllocationOutputs>(
  "host:index:CpuAllocation",
  { numbers: "plain" },
);

/** Whether VMs run by KVM or by software emulation on this host. */
export const Hypervisor = resourceClass<typeof hypervisorSchemas, HypervisorOutputs>(
  "host:index:Hypervisor",
  { domainType: "plain", because: "plain" },
);
export type Hypervisor = InstanceType<typeof Hypervisor>;

/** A folder of the host in a container. */
export type ContainerBindArgs = ElementArgs<typeof containerSchemas.binds>;

/** A full system from a golden image in a systemd-nspawn container: its own init, network and SSH, the host's kernel. */
export const Container = resourceClass<typeof containerSchemas, ContainerOutputs>(
  "host:index:Container",
  { address: "plain", generation: "plain", consoleLog: "plain", running: "plain" },
  ["hostKey"],
);

/** A slice of a GPU that the host keeps, for one VM, by NVIDIA's vGPU manager. */
export const VirtualGpu = resourceClass<Omit<typeof virtualGpuSchemas, "sysfs">, VirtualGpuOutputs>(
  "host:index:VirtualGpu",
  { uuid: "plain" },
);

/**
 * A system image, named by its content: built from packages and baked by the Ansible roles unless the cache has one of that
 * name. Destroying it keeps it in the cache.
 */
export const Image = resourceClass<Omit<typeof imageSchemas, "recipe">, ImageOutputs>("host:index:Image", {
  name: "plain",
  architecture: "plain",
  adminUser: "plain",
  rootDirectory: "plain",
  disk: "plain",
  kernel: "plain",
  initrd: "plain",
  kernelArguments: "plain",
});

/** A system image that Packer makes of another one, named by its content. Destroying it keeps it in the cache. */
export const PackerImage = resourceClass<Omit<typeof packerImageSchemas, "recipe">, PackerImageOutputs>(
  "host:index:PackerImage",
  { name: "plain", disk: "plain", kernel: "plain", initrd: "plain", kernelArguments: "plain" },
);

/** A Docker daemon that answers. */
export const DockerDaemon = resourceClass<typeof dockerDaemonSchemas, DockerDaemonOutputs>(
  "host:index:DockerDaemon",
  { address: "plain" },
);

/**
 * A folder of this host with its owner and mode. Files of others in it are left alone, and the folder stays as long as there
 * are any.
 */
export const Folder = resourceClass<typeof folderSchemas, object>("host:index:Folder", {});

/** SHA-256 of a file of this host, in hexadecimal digits; undefined where there is no such file. */
export async function fileDigest(path: string): Promise<string | undefined> {
  const { digest } = (await pulumi.runtime.invoke("host:index:fileDigest", { path })) as { digest: string };
  return digest === "" ? undefined : digest;
}
