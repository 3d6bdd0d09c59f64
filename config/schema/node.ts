import { z } from "zod";
import { gpu, pciePassthrough, virtioFsMount } from "./devices.ts";
import { addressOrDhcp, count, imagePath, macAddress, withValue, text } from "./fields.ts";
import { image } from "./image.ts";

const ssh = z
  .strictObject({
    host: text.describe("Name or address that SSH connects to."),
    port: z.int().min(1).max(65535).default(22).describe("TCP port, 1 to 65535. Default: 22."),
    user: text.describe("User to log in as; needs sudo without a password."),
    host_key: z
      .string()
      .regex(/^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{20,}={0,3}( .*)?$/, {
        error: () =>
          'is not a public host key such as "ssh-ed25519 AAAA..." (print it with: ssh-keyscan -t ed25519 HOST)',
      })
      .describe("The host's public key, as in known_hosts without the name; nothing else is trusted."),
    private_key_path: text
      .optional()
      .describe("Private key to log in with. Default: what the SSH agent or client has."),
  })
  .describe("Makes the node an existing host that is reached by SSH, instead of a VM.");

const memory = {
  memory_gb: count(1).optional().describe("Memory in GiB, at least 1. A VM has either this or memory_mb."),
  memory_mb: count(256)
    .optional()
    .describe("Memory in MiB, at least 256, for small VMs; instead of memory_gb."),
};

const gpus = z.array(gpu).default([]).describe("GPUs for the scheduler. Default: none.");

const virtual = {
  cpu_cores: count(1).describe("Virtual CPUs, at least 1."),
  ...memory,
  disk_gb: count(10).describe("Size of the root disk in GiB, at least 10."),
  auto_start: z.boolean().default(true).describe("False: the VM is defined but not started. Default: true."),
  base_image_path: imagePath.optional().describe("qcow2 image of this node. Default: the cluster's image."),
  image: image.optional(),
  pcie_passthrough: pciePassthrough.optional(),
  virtio_fs_mounts: z.array(virtioFsMount).default([]).describe("Folders of the host. Default: none."),
  gpus,
  ssh: z.never().optional(),
};

const mac = macAddress.optional().describe("MAC address. Default: made from the VM's name.");

const existing = {
  cpu_cores: count(1).optional().describe("CPUs that the scheduler may use. Default: what the host has."),
  memory_gb: count(1)
    .optional()
    .describe("Memory in GiB that the scheduler may use. Default: what the host has."),
  memory_mb: count(256).optional().describe("The same in MiB; instead of memory_gb."),
  disk_gb: count(1).optional().describe("Size of the disk in GiB; only shown."),
  gpus,
  ssh,
};

const ownAddress = addressOrDhcp
  .optional()
  .describe("IPv4 address in the cluster's subnet, or DHCP. Default: DHCP, where it keeps the one it got.");
const hostAddress = addressOrDhcp
  .optional()
  .describe("IPv4 address that other nodes use. Default: ssh.host where that is an address.");

/** A controller or control plane: its address is `ip_address`. */
export const headNode = z
  .union([
    z.strictObject({ ...virtual, ip_address: ownAddress, mac }),
    z.strictObject({ ...existing, ip_address: hostAddress }),
  ])
  .describe("The node that runs the cluster: a VM, or an existing host.");

/** A compute or worker node: its address is `ip`. */
const memberNode = z
  .union([
    z.strictObject({ ...virtual, ip: ownAddress, mac }),
    z.strictObject({ ...existing, ip: hostAddress }),
  ])
  .describe("One node: a VM, or an existing host.");

const groupCount = z.int().min(1).max(10_000);

/** A number of VMs that are alike. */
const nodeGroup = z
  .strictObject({
    ...virtual,
    count: groupCount.describe("How many VMs, 1 to 10000."),
    ip: z
      .literal("DHCP", { error: withValue("is not DHCP, the only address for a group of nodes") })
      .default("DHCP")
      .describe("Always DHCP, the default."),
  })
  .describe("A number of VMs that are alike.");

/** Compute or worker nodes: a list, or the short form for VMs that are alike. */
export const nodes = z.union([z.array(memberNode), nodeGroup]);

/** Every key that a node of any kind has, for looking at nodes that are only partly valid. */
export const nodeFields = {
  ...virtual,
  cpu_cores: existing.cpu_cores,
  disk_gb: existing.disk_gb,
  ssh: ssh.optional(),
  mac,
  ip: hostAddress,
  ip_address: hostAddress,
  count: groupCount.optional(),
};

export type HeadNode = z.output<typeof headNode>;
export type MemberNode = z.output<typeof memberNode>;
export type NodeGroup = z.output<typeof nodeGroup>;
export type Nodes = z.output<typeof nodes>;
