import { z } from "zod";
import { absolutePath, count, pciAddress, withValue, text } from "./fields.ts";

const hexId = z.string().regex(/^[0-9a-fA-F]{4}$/, { error: withValue("is not four hexadecimal digits") });

const passthroughDevice = z
  .strictObject({
    pci_address: pciAddress.describe("PCI address on the host, domain:bus:device.function."),
    device_type: z.enum(["gpu", "audio", "network", "storage", "other"]).describe("What the device is."),
    vendor_id: hexId.optional().describe("PCI vendor, four hexadecimal digits, for example 10de."),
    device_id: hexId.optional().describe("PCI device, four hexadecimal digits."),
    iommu_group: count(0).optional().describe("IOMMU group on the host, from 0."),
  })
  .describe("One PCI device.");

/** PCI devices of the host that a VM gets whole. */
export const pciePassthrough = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Whether the devices are passed through. Default: false."),
    devices: z.array(passthroughDevice).default([]).describe("The devices. Default: none."),
  })
  .describe("PCI devices of the host that the VM gets whole. Default: none.");

/** A folder of the host inside a VM. */
export const virtioFsMount = z
  .strictObject({
    tag: z
      .string()
      .regex(/^[a-zA-Z0-9_-]+$/, { error: withValue("is not a tag: use letters, digits, _ and -") })
      .describe("Name of the share, unique on the node."),
    host_path: text.describe("Folder on the host."),
    mount_point: absolutePath.describe(
      "Where it is mounted on the node, an absolute path, unique on the node.",
    ),
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
      .describe("The partitions, one MIG profile each; the same profile may come more than once."),
  })
  .describe("Partitions of the GPU (MIG). Default: not partitioned.");

const vgpu = z
  .strictObject({
    backend: z
      .enum(["mdev", "vendor-vfio"])
      .describe(
        "How the host's kernel and driver hand it out: mdev up to Linux 6.7 (pci_address is the GPU or function that offers " +
          "the type), vendor-vfio from 6.8 on (pci_address is a virtual function of its own).",
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
      .describe("Number of the vGPU type as the host's driver lists it: 1053, or nvidia-1053."),
  })
  .describe(
    "A slice of a GPU that the host keeps, by NVIDIA's vGPU manager, instead of the whole device. Needs NVIDIA's licence. Default: the whole device.",
  );

/** A GPU of a node. */
export const gpu = z
  .strictObject({
    model: text.optional().describe("Model, for example a100-80gb; required for a pretended GPU."),
    pci_address: pciAddress.optional().describe("PCI address on the host; a VM gets this device whole."),
    pretend: z
      .boolean()
      .default(false)
      .describe(
        "True makes the scheduler believe in a GPU that is not there, to try things. Default: false.",
      ),
    count: count(1)
      .default(1)
      .describe("How many such GPUs, at least 1; more than 1 only without pci_address. Default: 1."),
    mig: mig.optional(),
    time_slices: count(2)
      .optional()
      .describe(
        "How many jobs or containers may share the GPU at a time, at least 2; not with mig. They take turns, and nothing keeps " +
          "one out of another's memory. Default: one job has it.",
      ),
    vgpu: vgpu.optional(),
  })
  .describe("One GPU, or several that are alike.");

export type PciePassthrough = z.output<typeof pciePassthrough>;
export type VirtioFsMount = z.output<typeof virtioFsMount>;
export type Gpu = z.output<typeof gpu>;
