import { z } from "zod";
import { count, withValue } from "./fields.ts";

const mode = z
  .enum(["auto", "kvm", "tcg"])
  .describe("kvm: hardware virtualisation. tcg: software emulation. auto: kvm if it works, else tcg.");

const numaTopology = z
  .strictObject({
    nodes: z
      .int()
      .min(1)
      .max(8)
      .describe("Number of NUMA nodes of a VM, 1 to 8. They share its CPUs and memory evenly."),
    memory_per_node: count(1024).describe(
      "Memory of a NUMA node in MiB, at least 1024. Not used: the nodes share the VM's memory evenly.",
    ),
  })
  .nullable()
  .describe("NUMA layout inside a VM. Default: one node.");

const cpuTopology = z
  .strictObject({
    sockets: z.int().min(1).max(4).describe("Sockets of a VM, 1 to 4."),
    cores: z.int().min(1).max(64).describe("Not used: cores follow from cpu_cores, sockets and threads."),
    threads: z.int().min(1).max(2).describe("Threads per core, 1 or 2."),
  })
  .describe("CPU topology of a VM. cpu_cores has to be a multiple of sockets x threads.");

const performance = z
  .strictObject({
    cpu_pinning: z.boolean().default(false).describe("Pin virtual CPUs to the host's. Default: false."),
    enable_hugepages: z.boolean().default(false).describe("Back VM memory with huge pages. Default: false."),
    hugepage_size: z.enum(["2M", "1G"]).default("2M").describe("Size of a huge page. Default: 2M."),
    memory_backing: z
      .enum(["default", "hugepages", "memfd"])
      .default("default")
      .describe("Backing of VM memory; hugepages has the effect of enable_hugepages. Default: default."),
  })
  .describe("Options that make VMs faster but less flexible.");

/** All options of `hardware.acceleration`. */
export const accelerationOptions = z
  .strictObject({
    mode: mode.optional(),
    enable_kvm: z.boolean().default(true).describe("Older form of mode: false means tcg. Default: true."),
    enable_nested: z.boolean().default(false).describe("Whether VMs can run VMs. Default: false."),
    cpu_model: z
      .enum(["host", "host-passthrough", "host-model", "qemu64"])
      .default("host-model")
      .describe("CPU model of the VMs; host means host-passthrough. Default: host-model."),
    cpu_features: z
      .array(
        z.string().regex(/^[+-]?[a-zA-Z0-9_.]+$/, { error: withValue("is not a CPU feature such as +avx2") }),
      )
      .default([])
      .describe("CPU features to require (+x or x) or disable (-x). Default: none."),
    cpu_topology: cpuTopology.optional(),
    numa_topology: numaTopology.optional(),
    performance: performance.optional(),
  })
  .describe("How VMs use the host's hardware.");

/** The `hardware` of a cluster. */
export const hardware = z
  .strictObject({
    acceleration: z
      .union([mode, accelerationOptions])
      .optional()
      .describe("The mode alone (auto, kvm or tcg), or a map of options. Default: auto."),
  })
  .describe("How the cluster's VMs use the host's hardware.");

export type Hardware = z.output<typeof hardware>;
