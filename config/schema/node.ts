import { z } from "zod";
import { gpu, pciePassthrough, virtioFsMount } from "./devices.ts";
import { addressOrDhcp, count, imagePath, macAddress, withValue, text } from "./fields.ts";
import { image } from "./image.ts";

const ssh = z
  .strictObject({
    host: text.describe("Hostname or address for SSH."),
    port: z.int().min(1).max(65535).default(22).describe("TCP port, 1 to 65535. Default: 22."),
    user: text.describe("User to log in as. Needs sudo without a password."),
    host_key: z
      .string()
      .regex(/^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{20,}={0,3}( .*)?$/, {
        error: () =>
          'is not a public host key such as "ssh-ed25519 AAAA..." (print it with: ssh-keyscan -t ed25519 HOST)',
      })
      .describe(
        "Public key of the host, in the format of known_hosts without the name. Clients accept no other key.",
      ),
    private_key_path: text
      .optional()
      .describe("Path of the private key to log in with. Default: the keys of the SSH agent or client."),
  })
  .describe("Makes the node an existing host, reached by SSH, instead of a VM.");

const memory = {
  memory_gb: count(1)
    .optional()
    .describe("Memory in GiB, at least 1. A VM needs either memory_gb or memory_mb."),
  memory_mb: count(256)
    .optional()
    .describe("Memory in MiB, at least 256. Use it instead of memory_gb for small VMs."),
};

const gpus = z.array(gpu).default([]).describe("GPUs of the node, for the scheduler. Default: none.");

const virtual = {
  cpu_cores: count(1).describe("Virtual CPUs, at least 1."),
  ...memory,
  disk_gb: count(10).describe("Size of the root disk in GiB, at least 10."),
  auto_start: z
    .boolean()
    .default(true)
    .describe("Whether `up` starts the VM. False: `up` only defines it. Default: true."),
  base_image_path: imagePath
    .optional()
    .describe("Path of this node's qcow2 image. Default: the cluster's image."),
  image: image.optional(),
  pcie_passthrough: pciePassthrough.optional(),
  virtio_fs_mounts: z
    .array(virtioFsMount)
    .default([])
    .describe("Folders of the host to mount. Default: none."),
  gpus,
  ssh: z.never().optional(),
};

const mac = macAddress.optional().describe("MAC address. Default: derived from the VM's name.");

const existing = {
  cpu_cores: count(1).optional().describe("CPUs that the scheduler may use. Default: all."),
  memory_gb: count(1).optional().describe("Memory in GiB that the scheduler may use. Default: all."),
  memory_mb: count(256)
    .optional()
    .describe("Memory in MiB that the scheduler may use. Use it instead of memory_gb."),
  disk_gb: count(1).optional().describe("Size of the disk in GiB, for display only."),
  gpus,
  ssh,
};

const ownAddress = addressOrDhcp
  .optional()
  .describe("IPv4 address in the cluster's subnet, or DHCP. Default: DHCP, with a static lease.");
const hostAddress = addressOrDhcp
  .optional()
  .describe("IPv4 address for other nodes. Default: ssh.host if it is an address.");

/** A controller or control plane, with the address `ip_address`. */
export const headNode = z
  .union([
    z.strictObject({ ...virtual, ip_address: ownAddress, mac }),
    z.strictObject({ ...existing, ip_address: hostAddress }),
  ])
  .describe("The node that controls the cluster: a VM, or an existing host.");

/** A compute or worker node, with the address `ip`. */
const memberNode = z
  .union([
    z.strictObject({ ...virtual, ip: ownAddress, mac }),
    z.strictObject({ ...existing, ip: hostAddress }),
  ])
  .describe("One node: a VM, or an existing host.");

const groupCount = z.int().min(1).max(10_000);

/** A group of identical VMs. */
const nodeGroup = z
  .strictObject({
    ...virtual,
    count: groupCount.describe("Number of VMs, 1 to 10000."),
    ip: z
      .literal("DHCP", { error: withValue("is not DHCP, the only address for a group of nodes") })
      .default("DHCP")
      .describe("Always DHCP. Default: DHCP."),
  })
  .describe("A group of identical VMs.");

/** Compute or worker nodes: a list, or a group of identical VMs. */
export const nodes = z.union([z.array(memberNode), nodeGroup]);

/** The keys of all kinds of nodes, to read nodes that are partly invalid. */
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
