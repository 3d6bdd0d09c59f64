import * as pulumi from "@pulumi/pulumi";
import { BaseImage } from "../components/images/base-image.ts";
import { DiskPool } from "../components/machines/disk-pool.ts";
import { GoldenImage } from "../components/images/golden-image.ts";
import { LibvirtHost } from "../components/machines/libvirt-host.ts";
import { platformOf } from "../components/machines/platform.ts";
import { VirtualMachine } from "../components/machines/virtual-machine.ts";
import { VirtualNetwork } from "../components/machines/virtual-network.ts";
import { networkDefaults, parseSubnet } from "../config/ipv4.ts";
import { hostArchitecture } from "./machines.ts";

// The Pulumi program of `ai-how verify`: one VM, made by the components of the target workstation.

const config = new pulumi.Config("ai-how");
const name = config.require("name");
const subnet = config.require("subnet");
const type = config.require("type") === "kvm" ? "kvm" : "qemu";
const hugepages = config.getNumber("hugepages");
const mirror = config.get("mirror");
const share = config.get("share");

const { gateway, dhcpStart: start, dhcpEnd: end } = networkDefaults(parseSubnet(subnet));
const domain = `${name}.internal`;
// The first address of the DHCP range; the network has no other machine.
const address = start;
const mac = "52:54:00:a1:b0:0e";

const host = new LibvirtHost(`${name}-host`, { uri: config.require("libvirtUri") });
const onHost = { provider: host.libvirt };
const image = new GoldenImage(`${name}-image`, {
  distribution: "debian12",
  cacheDirectory: config.require("cacheDirectory"),
  ...(mirror !== undefined && { mirror }),
});
const network = new VirtualNetwork(
  `${name}-lan`,
  {
    ...{ name, bridge: "virbr-verify", subnet, gateway, domain },
    dhcpRange: { start, end },
    leases: [{ name, mac, address }],
  },
  onHost,
);
const { poolName: pool } = new DiskPool(
  `${name}-pool`,
  { poolName: name, path: config.require("poolDirectory") },
  onHost,
);
const base = new BaseImage(
  `${name}-base`,
  { pool, fileName: `${name}-base`, content: image.imageName, disk: image.disk, direct: image.direct },
  onHost,
);
const machine = new VirtualMachine(
  name,
  {
    ...{ hostname: name, image: base, network, pool, mac, address, domain },
    consoleDirectory: pulumi.output(config.require("consoleDirectory")),
    cpus: 1,
    memoryMib: config.requireNumber("memoryMib"),
    diskGib: 4,
    platform: platformOf({ arch: hostArchitecture(), type: pulumi.output(type) }),
    adminKey: host.adminKey,
    ...(share !== undefined && {
      mounts: [{ tag: "verify", hostPath: share, mountPoint: "/mnt/verify", options: "rw" }],
    }),
    ...((hugepages === 2048 || hugepages === 1048576) && { hugepages }),
  },
  onHost,
);

export default {
  address: machine.ready.apply(() => address),
  ...machine.login,
  adminKey: host.adminKey.privateKey,
};
