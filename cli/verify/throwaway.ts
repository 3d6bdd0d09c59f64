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

/** Name of the machine's domain, network and pool. */
export const NAME = "ai-how-verify";
const CONSOLES = "/var/log/libvirt/qemu";
export const CONSOLE_LOG = `${CONSOLES}/${NAME}-console.log`;

/** Properties of the throwaway machine. */
export interface ThrowawayPlan {
  readonly libvirtUri: string;
  /** libvirt's domain type. */
  readonly type: "kvm" | "qemu";
  readonly memoryMib: number;
  /** Size of huge pages in KiB; undefined: ordinary memory. */
  readonly hugepages: 2048 | 1048576 | undefined;
  /** Folder of this host that the machine mounts; undefined: none. */
  readonly share: string | undefined;
  /** Package mirror of the image; undefined: the distribution's. */
  readonly mirror: string | undefined;
  /** Folder that keeps images between runs. */
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

/** The machine's SSH login. */
export type ThrowawayLogin = z.output<typeof outputsSchema>;

/**
 * A machine that the components of a workstation create, in a Pulumi project below `.ai-how/`. The engine writes the state before it
 * creates anything, so the next run can remove what a killed run left.
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

  /** Removes what an earlier run left; true if there was anything. */
  async clean(host: Host): Promise<boolean> {
    const state = await readFile(join(this.#folder, ".ai-how", "verify.json"), "utf8").catch(() => undefined);
    if (state === undefined) return false;
    await this.remove(host);
    return true;
  }

  /** Creates the machine. `emit` gets all events, failures included. */
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

  /** Removes the machine with its network, pool and logs. Does not stop at `signal`. */
  async remove(host: Host): Promise<void> {
    const signal = new AbortController().signal;
    await (await this.#engine()).down({ emit: () => undefined, signal, parallel: 8 });
    // libvirt does not delete the logs of removed machines.
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

/** A subnet without a route on this host. */
export async function freeSubnet(host: Host): Promise<string> {
  const result = await host.run("ip", "-json", "-4", "route", "show", "table", "all");
  const text = result.kind === "ended" && result.exitCode === 0 ? result.stdout : "[]";
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
