import { expect, test } from "vitest";
import { parse } from "yaml";
import { networkConfig, userData } from "../../../components/machines/cloud-init.ts";
import { identityFiles, secretIdentityFiles } from "../../../components/machines/identity.ts";

const user = {
  hostname: "a",
  domain: "c.local",
  adminUser: "operator",
  authorizedKey: `ssh-ed25519 ${"A".repeat(200)} ai-how`,
  hostPrivateKey: "-----BEGIN\nkey\n-----END\n",
  hostPublicKey: "ssh-ed25519 BBBB",
  mounts: [{ tag: "data", mountPoint: "/data sets", options: "ro" }],
};
const lan = { domain: "c.local", mac: "52:54:00:00:00:01", address: "10.0.0.10/24", gateway: "10.0.0.1" };
const MOUNT = "data /data\\040sets virtiofs ro,nofail 0 0";

test("user data has the host key and allows no password login", () => {
  expect(parse(userData(user))).toMatchObject({
    ssh_keys: { ed25519_private: user.hostPrivateKey },
    ssh_pwauth: false,
    bootcmd: [["sh", "-c", expect.any(String), "mount", "/data sets", MOUNT]],
    users: [{ name: "operator", lock_passwd: true, ssh_authorized_keys: [user.authorizedKey] }],
  });
});

test("the identity files of golden images contain the same", () => {
  const files = identityFiles(user, lan);
  expect(files).toMatchObject({
    "ai-how/hostname": "a\n",
    "ai-how/host-key.pub": `${user.hostPublicKey}\n`,
    "ai-how/admin-user": "operator\n",
    "ai-how/authorized-keys": `${user.authorizedKey}\n`,
    "ai-how/fstab": `${MOUNT}\n`,
  });
  expect(JSON.stringify(files)).not.toContain("BEGIN");
  expect(secretIdentityFiles(user)).toEqual({ "ai-how/host-key": user.hostPrivateKey });
  expect(parse(networkConfig(lan))).toMatchObject({
    ethernets: { lan: { addresses: [lan.address], routes: [{ via: lan.gateway }] } },
  });
  expect(files["ai-how/network"]).toBe(
    "[Match]\nMACAddress=52:54:00:00:00:01\n\n[Network]\nAddress=10.0.0.10/24\nGateway=10.0.0.1\nDNS=10.0.0.1\n" +
      "Domains=c.local\nIPv6AcceptRA=no\n",
  );

  expect(identityFiles(user, { ...lan, address: undefined })["ai-how/network"]).toContain("DHCP=ipv4\n");
});
