import { leaves } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

const NETWORK_KEYS = ["network", "networkName"];

/** libvirt's network `default` belongs to the host: a stack that uses it affects machines of others. */
export const noDefaultNetwork: ResourceRule = {
  name: "no-default-network",
  description: "No VM is on libvirt's network `default`.",
  scope: "resource",
  check({ type, properties }) {
    if (!type.startsWith("libvirt:")) return [];
    if (type === "libvirt:index:Network") {
      return properties.name === "default"
        ? ["name: `default` is libvirt's own network; use another name"]
        : [];
    }
    return [...leaves(properties)]
      .filter(({ key, value }) => NETWORK_KEYS.includes(key) && value === "default")
      .map(
        ({ path }) =>
          `${path}: \`default\` is shared with other machines of the host; create a Network and use its name`,
      );
  },
};
