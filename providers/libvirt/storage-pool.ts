import { existsSync } from "node:fs";
import type { Context, Existing, InputsOf } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { z } from "zod";
import { type Fingerprints, fingerprints, withDrift } from "./drift.ts";
import { uuidOf } from "../framework/uuid.ts";
import { absolutePathSchema, nameSchema } from "./schemas.ts";
import { connect, type Libvirt, type LibvirtConfig, parseInfo, whileReachable } from "./virsh.ts";
import { Xml } from "./xml.ts";

export const storagePoolSchemas = {
  /** libvirt's name for it. */
  name: nameSchema,
  /** The folder that holds its volumes; created when it is missing, and then removed with the pool if it is empty. */
  path: absolutePathSchema,
  /** Started with libvirtd; default true. */
  autostart: z.boolean().default(true),
  /** Whether it runs; default true. */
  active: z.boolean().default(true),
};

/** A pool that exists. */
export interface StoragePoolOutputs {
  active: boolean;
  uuid: string;
}

type StoragePoolInputs = InputsOf<typeof storagePoolSchemas>;

type StoragePoolState = StoragePoolInputs &
  StoragePoolOutputs & {
    /** Whether this resource created the folder. */
    created: boolean;
    observed: Fingerprints;
  };

type PoolContext = Context<LibvirtConfig>;
type ExistingPool = Existing<StoragePoolInputs, StoragePoolState>;

/** `libvirt:index:StoragePool`: a folder of disks. */
export const storagePool = resourceType<LibvirtConfig, StoragePoolInputs, StoragePoolState>({
  token: "libvirt:index:StoragePool",
  inputs: storagePoolSchemas,
  changes: { autostart: "update", active: "update" },
  deleteBeforeReplace: true,
  foresee: (_inputs, { urn }) => (urn === "" ? {} : { uuid: uuidOf(urn) }),
  identify: (_inputs, { urn }) => uuidOf(urn),

  async create(inputs: StoragePoolInputs, context: PoolContext) {
    const libvirt = connect(context);
    const uuid = uuidOf(context.urn);
    const other = (await libvirt.find("pool-uuid", inputs.name))?.trim();
    if (other !== undefined && other !== uuid) {
      throw new ProviderError(
        `a storage pool ${inputs.name} exists already and is not of this stack: rename it, or \`pulumi import\` it (id ${other})`,
      );
    }
    const created = libvirt.isLocal && !existsSync(inputs.path);
    if (await isActive(libvirt, uuid)) await libvirt.run("pool-destroy", uuid);
    await libvirt.define("pool-define", {
      pool: { "@type": "dir", name: inputs.name, uuid, target: { path: inputs.path } },
    });
    await libvirt.run("pool-build", uuid);
    await settle(libvirt, uuid, inputs);
    return existing(libvirt, uuid, inputs, created);
  },

  async read(id: string, last: ExistingPool | undefined, context: PoolContext) {
    const libvirt = connect(context);
    return whileReachable(
      libvirt,
      () => readPool(libvirt, id, last),
      () =>
        last && {
          id,
          inputs: { ...last.inputs, active: false },
          state: { ...last.state, active: false },
        },
    );
  },

  async update(
    id: string,
    was: { state: StoragePoolState },
    inputs: StoragePoolInputs,
    context: PoolContext,
  ) {
    const libvirt = connect(context);
    await settle(libvirt, id, inputs);
    return existing(libvirt, id, inputs, was.state.created);
  },

  async delete(id: string, last: { state: StoragePoolState }, context: PoolContext) {
    const libvirt = connect(context);
    await whileReachable(
      libvirt,
      async () => {
        if (await isActive(libvirt, id)) await libvirt.run("pool-destroy", id);
        // Removes the folder only if it is empty: other files in it are not ours.
        if (last.state.created) await libvirt.run("pool-delete", id).catch(() => undefined);
        await libvirt.find("pool-undefine", id);
      },
      () => undefined,
    );
  },
});

async function readPool(
  libvirt: Libvirt,
  id: string,
  last: { inputs: StoragePoolInputs; state: StoragePoolState } | undefined,
): Promise<ExistingPool | undefined> {
  const actual = await inspect(libvirt, id);
  if (actual === undefined) return undefined;
  const inputs =
    last === undefined ? actual.inputs : withDrift(last.inputs, last.state.observed, actual.inputs);
  const created = last?.state.created ?? false;
  return {
    id: actual.uuid,
    inputs,
    state: { ...inputs, uuid: actual.uuid, created, observed: fingerprints(actual.inputs) },
  };
}

async function existing(
  libvirt: Libvirt,
  uuid: string,
  inputs: StoragePoolInputs,
  created: boolean,
): Promise<ExistingPool> {
  const actual = await inspect(libvirt, uuid);
  if (actual === undefined)
    throw new ProviderError(`storage pool ${inputs.name} vanished while it was being made`);
  return { id: uuid, inputs, state: { ...inputs, uuid, created, observed: fingerprints(actual.inputs) } };
}

async function inspect(
  libvirt: Libvirt,
  id: string,
): Promise<{ uuid: string; inputs: StoragePoolInputs } | undefined> {
  const info = await libvirt.find("pool-info", id);
  const xml = await libvirt.find("pool-dumpxml", "--inactive", id);
  if (info === undefined || xml === undefined) return undefined;
  const facts = parseInfo(info);
  const pool = Xml.parse(xml);
  return {
    uuid: pool.child("uuid")?.text ?? id,
    inputs: {
      name: pool.child("name")?.text ?? "",
      path: pool.child("target", "path")?.text ?? "",
      autostart: facts.get("Autostart") === "yes",
      active: facts.get("State") === "running",
    },
  };
}

async function isActive(libvirt: Libvirt, id: string): Promise<boolean> {
  const info = await libvirt.find("pool-info", id);
  return info !== undefined && parseInfo(info).get("State") === "running";
}

/** Applies `autostart` and `active`. */
async function settle(libvirt: Libvirt, id: string, inputs: StoragePoolInputs): Promise<void> {
  const info = parseInfo(await libvirt.run("pool-info", id));
  if ((info.get("Autostart") === "yes") !== inputs.autostart) {
    await libvirt.run("pool-autostart", id, ...(inputs.autostart ? [] : ["--disable"]));
  }
  if ((info.get("State") === "running") !== inputs.active) {
    await libvirt.run(inputs.active ? "pool-start" : "pool-destroy", id);
  }
}
