import { expect, test } from "vitest";
import { inventory, knownHosts } from "../../../components/ansible/inventory.ts";

const host = {
  name: "controller",
  kind: "vm",
  address: "10.0.0.10",
  ssh: {
    address: "10.0.0.10",
    port: 22,
    user: "admin",
    hostKey: "ssh-ed25519 AAAA controller",
    proxyCommand: "nsenter --net=/run/netns/x nc %h %p",
    privateKey: "PRIVATE",
  },
} as const;

test("an inventory has the SSH endpoint of each host, but no private keys", () => {
  const made = inventory({ slurm_controller: ["controller"] }, [host], {
    slurm_config: { ClusterName: "c" },
  });
  expect(made).toMatchObject({
    all: { vars: { slurm_config: { ClusterName: "c" } } },
    slurm_controller: { hosts: ["controller"] },
    _meta: {
      hostvars: { controller: { ansible_host: "10.0.0.10", ansible_user: "admin", node_kind: "vm" } },
    },
  });
  expect(JSON.stringify(made)).not.toContain("PRIVATE");
  expect(JSON.stringify(made)).toContain(`ProxyCommand=\\"nsenter --net=/run/netns/x nc %h %p\\"`);
});

test("known_hosts contains a port other than 22", () => {
  expect(knownHosts([host])).toBe("10.0.0.10 ssh-ed25519 AAAA controller\n");
  expect(knownHosts([{ ...host, ssh: { ...host.ssh, port: 2222 } }])).toBe(
    "[10.0.0.10]:2222 ssh-ed25519 AAAA controller\n",
  );
});
