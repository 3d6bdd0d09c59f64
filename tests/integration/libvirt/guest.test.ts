import { execa } from "execa";
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { buildImage, unavailable as noImage } from "../roles/stage.ts";
import { Stage, unavailable } from "./stage.ts";

const lacking =
  unavailable ??
  noImage ??
  (existsSync("/usr/share/OVMF/OVMF_CODE_4M.fd") ? undefined : "needs firmware: install ovmf");

// In the order in which they depend on each other.
const MODULES = [
  ...["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"],
  ...["failover", "net_failover", "virtio_net"],
];

const INIT = `#!/bin/sh
for module in ${MODULES.join(" ")}; do [ ! -f /modules/$module.ko ] || insmod /modules/$module.ko; done
ipconfig -c dhcp -t 120 eth0
while :; do sleep 3600; done
`;

/** The golden image's kernel, and an initrd that does nothing but ask for an address, with the image's own DHCP client. */
async function makeGuest(folder: string): Promise<{ kernel: string; initrd: string }> {
  const { state } = await buildImage();
  const [root, kernel] = [String(state.rootDirectory), String(state.kernel)];
  const content = join(folder, "content");
  await mkdir(join(content, "modules"), { recursive: true });
  await mkdir(join(content, "lib"));
  await cp(join(root, "usr/lib/klibc/bin"), join(content, "bin"), { recursive: true });
  const libraries = (await readdir(join(root, "usr/lib"))).filter((name) => name.startsWith("klibc-"));
  for (const name of libraries) await copyFile(join(root, "usr/lib", name), join(content, "lib", name));
  for (const file of await readdir(join(root, "usr/lib/modules"), { recursive: true })) {
    if (file.endsWith(".ko") && MODULES.includes(basename(file, ".ko"))) {
      await copyFile(join(root, "usr/lib/modules", file), join(content, "modules", basename(file)));
    }
  }
  await writeFile(join(content, "init"), INIT);
  await chmod(join(content, "init"), 0o755);
  const initrd = join(folder, "initrd");
  const pack = 'find . | "$1" --quiet -o -H newc >"$2"';
  await execa("sh", ["-ec", pack, "sh", join(root, "usr/bin/cpio"), initrd], { cwd: content });
  return { kernel, initrd };
}

describeUnless(lacking, "a guest that boots by UEFI", () => {
  const stage = new Stage("guest");
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ai-how-guest-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("gets an address by DHCP, logs its console, and takes its UEFI variables along when it goes", async () => {
    const dhcp = { start: "10.78.0.20", end: "10.78.0.29" };
    const network = await stage.driver("Network").create({ name: "net", subnet: "10.78.0.0/24", dhcp });
    const consoleLog = join(String(stage.made.state.consoleDirectory), "guest.log");
    const driver = stage.driver("Domain");
    const made = await driver.create({
      name: "guest",
      type: "qemu",
      firmware: "uefi",
      vcpus: 1,
      memory: 256,
      cpu: { mode: "custom", model: "qemu64" },
      interfaces: [{ network: "net", waitForLease: true }],
      boot: { ...(await makeGuest(folder)), cmdline: "console=ttyS0 panic=-1" },
      consoleLog,
      leaseTimeout: 120,
    });

    const [address = "", mac = ""] = [made.state.addresses, made.state.macAddresses].flatMap(
      (list) => (list as string[])[0] ?? [],
    );
    expect(address).toMatch(/^10\.78\.0\.2\d$/);
    expect(await stage.virsh("net-dhcp-leases", "net")).toMatch(new RegExp(`${mac} +ipv4 +${address}/24`));
    // The guest's own word for it.
    const console = await readFile(consoleLog, "latin1");
    expect(console).toMatch(/Linux version \S+-cloud-amd64/);
    expect(console).toContain(`address: ${address}`);

    const nvram = /<nvram[^>]*>\/var\/lib\/libvirt\/(.+)<\/nvram>/.exec(
      await stage.virsh("dumpxml", "guest"),
    )?.[1];
    const variables = join(stage.pool, "..", "lib", nvram ?? "none");
    expect(existsSync(variables), variables).toBe(true);
    expect(await driver.drift(made)).toEqual([]);
    await driver.delete(made);
    expect(existsSync(variables)).toBe(false);
    expect(existsSync(consoleLog)).toBe(false);
    await stage.driver("Network").delete(network);
  });
});
