import { dirname, join } from "node:path";
import { z } from "zod";
import { hypervisor } from "../providers/host/hypervisor.ts";
import { image } from "../providers/host/image.ts";
import { checkout } from "./checkout.ts";

const context = {
  urn: "",
  config: {},
  signal: new AbortController().signal,
  log: (line: string): void => void process.stdout.write(`  ${line}\n`),
};
const imageState = z.object({ disk: z.string(), kernel: z.string() });

/** The folder of the dev stack's image; builds it if the cache does not have it. */
export async function imageDirectory(): Promise<string> {
  const cacheDirectory = join(checkout, ".ai-how", "cache");
  const inputs = z.object(image.inputs).parse({ distribution: "debian12", cacheDirectory });
  const { state } = await image.create(inputs, context);
  return dirname(imageState.parse(state).disk);
}

/** How VMs run on this machine. */
export async function acceleration(): Promise<"kvm" | "tcg"> {
  const kernel = join(await imageDirectory(), "vmlinuz");
  const { state } = await hypervisor.create({ acceleration: "auto", kernel }, context);
  return state.domainType === "kvm" ? "kvm" : "tcg";
}
