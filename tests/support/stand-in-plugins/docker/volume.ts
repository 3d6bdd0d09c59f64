import { z } from "zod";
import { resourceType } from "../../../../providers/framework/resource.ts";
import { Daemon, type DockerConfig } from "./connection.ts";

interface VolumeInputs {
  name: string;
  driver: string;
  /** Options of the driver: `type`, `o` and `device` of mount(8) for `local`. */
  driverOpts: Record<string, string>;
}

interface VolumeState extends VolumeInputs {
  /** Where its content lies on the daemon's host. */
  mountpoint: string;
}

/** `docker:index/volume:Volume`. */
export const volume = resourceType<DockerConfig, VolumeInputs, VolumeState>({
  token: "docker:index/volume:Volume",
  inputs: {
    name: z.string().min(1),
    driver: z.string().default("local"),
    driverOpts: z.record(z.string(), z.string()).default({}),
  },
  changes: {},
  deleteBeforeReplace: true,
  identify: ({ name }) => name,
  async create(inputs, { config }) {
    const { name, driver, driverOpts } = inputs;
    const daemon = await Daemon.at(config);
    // One of this name is taken as it is, as the provider takes it: it may hold somebody's data.
    await daemon.ask((client) => client.createVolume({ Name: name, Driver: driver, DriverOpts: driverOpts }));
    const { Mountpoint } = await daemon.ask((client) => client.getVolume(name).inspect());
    return { id: name, inputs, state: { ...inputs, mountpoint: Mountpoint } };
  },
  async read(id, last, { config }) {
    const daemon = await Daemon.at(config);
    const found = await daemon.find((client) => client.getVolume(id).inspect());
    if (found === undefined || last === undefined) return undefined;
    const inputs = { name: found.Name, driver: found.Driver, driverOpts: found.Options ?? {} };
    return { id, inputs, state: { ...inputs, mountpoint: found.Mountpoint } };
  },
  // Every change replaces.
  update: (id, was, inputs) => Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } }),
  async delete(id, _last, { config }) {
    const daemon = await Daemon.at(config);
    await daemon.settle((client) => client.getVolume(id).remove(), 404);
  },
});
