import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { addressText, overlap, parseSubnet } from "../../config/ipv4.ts";
import { UserError } from "../../config/errors.ts";
import { outputsOf, type Engine } from "../../engine/engine.ts";
import type { EngineEvent } from "../../engine/events.ts";
import { selectEngine } from "../../engine/select.ts";
import type { Host } from "../doctor/host.ts";

/** Name of everything that belongs to the machine: domain, network, pool. */
export const NAME = "ai-how-verify";
const CONSOLES = "/var/log/libvirt/qemu";
export const CONSOLE_LOG = `${CONSOLES}/${NAME}-console.log`;

/** How the throwaway machine is to be. */
export interface ThrowawayPlan {
  readonly libvirtUri: string;
  /** libvirt's domain type. */
  readonly type: "kvm" | "qemu";
  readonly memoryMib: number;
  /** KiB; undefined: ordinary memory. */
  readonly hugepages: 2048 | 1048576 | undefined;
  /** Folder of this host that it mounts; undefined: none. */
  readonly share: string | undefined;
  /** Package mirror that its image is made from; undefined: the distribution's. */
  readonly mirror: string | undefined;
  /** Where images are kept between runs. */
  readonly cacheDirectory: string;
  readonly poolDirectory: string;
}

const outputsSchema = z.object({
  address: z.string(),
  user: z.string(),
  port: z.number(),
  hostKey: z.string(),
  adminKey: z.string(),
});

/** How the machine is reached. */
export type ThrowawayLogin = z.output<typeof outputsSchema>;

/**
 * A machine that is made by the components of a workstation, in a project of its own below `.ai-how/`. What a run that was killed has
 * left, the next one removes first: the state is written before anything is made.
 */
export class Throwaway {
  readonly #root: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(root: string, signal: AbortSignal) {
    this.#root = root;
    this.#folder = join(root, ".ai-how", "verify");
    this.#signal = signal;
  }

  /** Removes what an earlier run has left; whether there was anything. */
  async clean(host: Host): Promise<boolean> {
    const state = await readFile(join(this.#folder, ".ai-how", "verify.json"), "utf8").catch(() => undefined);
    if (state === undefined) return false;
    await this.remove(host);
    return true;
  }

  /** Makes the machine; what happens is told to `emit`, a failure as well. */
  async make(
    plan: ThrowawayPlan,
    subnet: string,
    emit: (event: EngineEvent) => void,
  ): Promise<ThrowawayLogin> {
    await this.#write({
      name: NAME,
      subnet,
      consoleDirectory: CONSOLES,
      libvirtUri: plan.libvirtUri,
      type: plan.type,
      memoryMib: String(plan.memoryMib),
      cacheDirectory: plan.cacheDirectory,
      poolDirectory: plan.poolDirectory,
      ...(plan.hugepages !== undefined && { hugepages: String(plan.hugepages) }),
      ...(plan.share !== undefined && { share: plan.share }),
      ...(plan.mirror !== undefined && { mirror: plan.mirror }),
    });
    const engine = await this.#engine();
    await engine.up({ emit, signal: this.#signal, parallel: 8 });
    const outputs = await outputsOf(engine);
    return outputsSchema.parse(
      Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value])),
    );
  }

  /** Removes the machine and everything else of it, also when this run has been stopped. */
  async remove(host: Host): Promise<void> {
    const signal = new AbortController().signal;
    await (await this.#engine()).down({ emit: () => undefined, signal, parallel: 8 });
    // libvirt leaves the logs of machines that are gone.
    for (const file of await host.list(CONSOLES))
      if (file.startsWith(`${NAME}-`) || file.startsWith(`${NAME}.log`))
        await rm(join(host.root, CONSOLES, file), { force: true });
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #engine(): Promise<Engine> {
    return (await selectEngine({ root: this.#folder, stack: "verify" }, "in-process")).engine;
  }

  async #write(config: Readonly<Record<string, string>>): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const program = relative(this.#folder, join(this.#root, "stacks", "throwaway-vm.ts"));
    const project = { name: "ai-how-verify", runtime: "nodejs", main: program };
    await writeFile(join(this.#folder, "Pulumi.yaml"), stringify(project));
    const values = Object.entries(config).map(([key, value]) => [`ai-how:${key}`, value] as const);
    await writeFile(
      join(this.#folder, "Pulumi.verify.yaml"),
      stringify({ config: Object.fromEntries(values) }),
    );
  }
}

const routesSchema = z.array(z.object({ dst: z.string() }));

/** A subnet that no route of this host leads to. */
export async function freeSubnet(host: Host): Promise<string> {
  const said = await host.run("ip", "-json", "-4", "route", "show", "table", "all");
  const text = said.kind === "said" && said.exitCode === 0 ? said.stdout : "[]";
  const routes = routesSchema.parse(JSON.parse(text));
  const taken = routes
    .map(({ dst }) => (dst.includes("/") ? dst : `${dst}/32`))
    .filter((dst) => /^\d+(\.\d+){3}\/\d+$/.test(dst) && !dst.startsWith("0.0.0.0/"))
    .map(parseSubnet);
  for (let third = 254; third > 200; third--) {
    const text = `192.168.${third}.0/24`;
    const subnet = parseSubnet(text);
    if (!taken.some((route) => overlap(route, subnet))) return text;
  }
  throw new UserError(`no subnet of ${addressText(0xc0a8c900)} and above is free for the throwaway machine`);
}
