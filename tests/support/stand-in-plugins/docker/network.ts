import { z } from "zod";
import { ProviderError, resourceType } from "../../../../providers/framework/resource.ts";
import { Daemon, type DockerConfig } from "./connection.ts";
import { isOf, labelsOf } from "./owner.ts";

interface NetworkInputs {
  name: string;
  driver: string;
  /** Whether nothing outside can be reached from it. */
  internal: boolean;
}

/** `docker:index/network:Network`. */
export const network = resourceType<DockerConfig, NetworkInputs, NetworkInputs>({
  token: "docker:index/network:Network",
  inputs: {
    name: z.string().min(1),
    driver: z.string().default("bridge"),
    internal: z.boolean().default(false),
  },
  changes: {},
  deleteBeforeReplace: true,
  // The daemon takes a name wherever it takes an id.
  identify: ({ name }) => name,
  async create(inputs, { config, urn }) {
    const { name, driver, internal } = inputs;
    const daemon = await Daemon.at(config);
    const found = await daemon.find((client) => client.getNetwork(name).inspect());
    if (found !== undefined && !isOf(urn, found.Labels)) {
      throw new ProviderError(
        `${name}: Docker has a network of this name that is not this stack's; remove it with \`docker network rm ${name}\``,
      );
    }
    // What a creation left that was killed.
    if (found !== undefined) await daemon.settle((client) => client.getNetwork(found.Id).remove(), 404);
    const { id } = await daemon.ask((client) =>
      client.createNetwork({ Name: name, Driver: driver, Internal: internal, Labels: labelsOf(urn) }),
    );
    return { id, inputs, state: inputs };
  },
  async read(id, last, { config }) {
    const daemon = await Daemon.at(config);
    const found = await daemon.find((client) => client.getNetwork(id).inspect());
    if (found === undefined || last === undefined) return undefined;
    const inputs = { name: found.Name, driver: found.Driver, internal: found.Internal };
    return { id, inputs, state: inputs };
  },
  // Every change replaces.
  update: (id, _was, inputs) => Promise.resolve({ id, inputs, state: inputs }),
  async delete(id, _last, { config }) {
    const daemon = await Daemon.at(config);
    await daemon.settle((client) => client.getNetwork(id).remove(), 404);
  },
});
