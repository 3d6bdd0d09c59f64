import { z } from "zod";
import { absolutePath, count, pciAddress, withValue, text } from "./fields.ts";

const hexId = z.string().regex(/^[0-9a-fA-F]{4}$/, { error: withValue("is not four hexadecimal digits") });

const passthroughDevice = z
  .strictObject({
    pci_address: pciAddress.describe("PCI address on the host, domain:bus:device.function."),
    device_type: z.enum(["gpu", "audio", "network", "storage", "other"]).describe("Kind of device."),
    vendor_id: hexId.optional().describe("PCI vendor ID, four hexadecimal digits, for example 10de."),
    device_id: hexId.optional().describe("PCI device ID, four hexadecimal digits."),
    iommu_group: count(0).optional().describe("IOMMU group on the host, from 0."),
  })
  .describe("One PCI device.");

/** PCI devices of the host that are passed through to a VM. */
export const pciePassthrough = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Whether the devices are passed through. Default: false."),
    devices: z.array(passthroughDevice).default([]).describe("The devices. Default: none."),
  })
  .describe("PCI devices of the host that are passed through to the VM. Default: none.");

/** A folder of the host inside a VM. */
export const virtioFsMount = z
  .strictObject({
    tag: z
      .string()
      .regex(/^[a-zA-Z0-9_-]+$/, { error: withValue("is not a tag: use letters, digits, _ and -") })
      .describe("Name of the share, unique on the node."),
    host_path: text.describe("Folder on the host."),
    mount_point: absolutePath.describe("Mount point on the node, an absolute path, unique on the node."),
    options: text.default("rw,relatime").describe("Mount options. Default: rw,relatime."),
  })
  .describe("One folder of the host, shared by virtiofs.");

const mig = z
  .strictObject({
    profiles: z
      .array(
        z.string().regex(/^[1-9]g\.\d+gb([+-][a-z.]+)?$/, {
          error: withValue("is not a MIG profile such as 1g.10gb"),
        }),
      )
      .min(1)
      .describe("One MIG profile per partition; profiles may repeat."),
  })
  .describe("Partitions of the GPU (MIG). Default: not partitioned.");

const vgpu = z
  .strictObject({
    backend: z
      .enum(["mdev", "vendor-vfio"])
      .describe(
        "Interface of the host's kernel and driver. mdev: mediated devices, up to Linux 6.7; pci_address is the GPU or the function that " +
          "offers the type. vendor-vfio: from Linux 6.8; pci_address is a virtual function.",
      ),
    type: z
      .union(
        [
          z.int().positive(),
          z
            .string()
            .regex(/^nvidia-\d+$/)
            .transform((name) => Number(name.slice("nvidia-".length))),
        ],
        { error: withValue("is not a vGPU type such as nvidia-1053") },
      )
      .describe("Number of the vGPU type in the list of the host's driver: 1053 or nvidia-1053."),
  })
  .describe(
    "A vGPU that NVIDIA's vGPU manager creates on the host. Needs a licence of NVIDIA. Default: the whole device.",
  );

/** A GPU of a node. */
export const gpu = z
  .strictObject({
    model: text.optional().describe("Model, for example a100-80gb. Required for a pretended GPU."),
    pci_address: pciAddress
      .optional()
      .describe("PCI address on the host. The device is passed through to the VM, unless vgpu is set."),
    pretend: z
      .boolean()
      .default(false)
      .describe("True: the scheduler counts the GPU although no device exists, for tests. Default: false."),
    count: count(1)
      .default(1)
      .describe("Number of such GPUs, at least 1. More than 1 only without pci_address. Default: 1."),
    mig: mig.optional(),
    time_slices: count(2)
      .optional()
      .describe(
        "Number of jobs or containers that may share the GPU, at least 2; not with mig. They take turns, and their memory is not " +
          "isolated. Default: not shared.",
      ),
    vgpu: vgpu.optional(),
  })
  .describe("One or more identical GPUs.");

export type PciePassthrough = z.output<typeof pciePassthrough>;
export type VirtioFsMount = z.output<typeof virtioFsMount>;
export type Gpu = z.output<typeof gpu>;
