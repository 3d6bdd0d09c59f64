import { z } from "zod";
import type { ProviderDefinition } from "../framework/resource.ts";
import { cloudInitDisk } from "./cloud-init-disk.ts";
import { domain } from "./domain.ts";
import { hostDevices } from "./host-devices.ts";
import { network } from "./network.ts";
import { storagePool } from "./storage-pool.ts";
import type { LibvirtConfig } from "./virsh.ts";
import { volume } from "./volume.ts";

/** Virtual machines and what they need, through libvirt. */
export const libvirt: ProviderDefinition<LibvirtConfig> = {
  name: "libvirt",
  version: "0.1.0",
  config: {
    uri: z
      .string()
      .regex(/^[a-z]+(\+[a-z0-9]+)?:\/\//, "must be a libvirt connection URI such as qemu:///system")
      .default("qemu:///system"),
  },
  resources: [network, storagePool, volume, cloudInitDisk, domain],
  invokes: [hostDevices],
};
