import { leaves } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

const NETWORK_KEYS = ["network", "networkName"];

/** libvirt's `default` belongs to the host: what a stack does there reaches machines that are not its own. */
export const noDefaultNetwork: ResourceRule = {
  name: "no-default-network",
  description: "No VM is on libvirt's network `default`.",
  scope: "resource",
  check({ type, properties }) {
    if (!type.startsWith("libvirt:")) return [];
    if (type === "libvirt:index:Network") {
      return properties.name === "default"
        ? ["name: `default` is libvirt's own network; give this one a name of the stack's own"]
        : [];
    }
    return [...leaves(properties)]
      .filter(({ key, value }) => NETWORK_KEYS.includes(key) && value === "default")
      .map(
        ({ path }) =>
          `${path}: \`default\` is shared with all other machines of the host; make a Network and give its name`,
      );
  },
};
