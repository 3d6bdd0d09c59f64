import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "./stage.ts";

const stage = new Stage("network");
const first = { mac: "52:54:00:00:00:01", address: "10.77.0.10", name: "controller" };
const second = { mac: "52:54:00:00:00:02", address: "10.77.0.11", name: "compute" };
const inputs = {
  name: "dev",
  subnet: "10.77.0.0/24",
  domain: "dev.local",
  dhcp: { start: "10.77.0.100", end: "10.77.0.200" },
  leases: [first],
  hosts: [{ address: "10.77.0.1", names: ["gateway"] }],
};

describeUnless(unavailable, "Network", () => {
  it("runs in each mode", async () => {
    for (const [index, mode] of ["nat", "isolated", "open"].entries()) {
      const driver = stage.driver("Network", mode);
      const made = await driver.create({ name: mode, mode, subnet: `10.78.${index}.0/24` });
      expect(made.state).toMatchObject({
        active: true,
        gateway: `10.78.${index}.1`,
        bridge: expect.any(String) as string,
      });
      expect(await driver.drift(made)).toEqual([]);
      await driver.delete(made);
    }
    expect(await stage.virsh("net-list", "--all", "--name")).toBe("");
  });

  it("takes a lease and a name while it runs, and disturbs nobody", async () => {
    const driver = stage.driver("Network");
    const made = await driver.create(inputs);
    const bridge = join("/var/lib/ai-how", stage.name, "lib/dnsmasq", "dev");
    const index = () => stage.virsh("net-info", "dev");
    const before = await index();
    const changed = {
      ...inputs,
      dhcp: { start: "10.77.0.100", end: "10.77.0.150" },
      leases: [{ ...first, name: "login" }, second],
      hosts: [{ address: "10.77.0.1", names: ["gateway", "ntp"] }],
    };
    const updated = await driver.update(made, changed);
    expect(await index()).toBe(before);
    expect(await readFile(`${bridge}.hostsfile`, "utf8")).toContain("52:54:00:00:00:02,10.77.0.11,compute");
    expect(await readFile(`${bridge}.hostsfile`, "utf8")).not.toContain("controller");
    expect(await readFile(`${bridge}.addnhosts`, "utf8")).toContain("ntp");
    expect(await driver.drift(updated)).toEqual([]);
    expect((await driver.import("dev"))?.inputs).toMatchObject(changed);
    await driver.delete(updated);
    await driver.delete(updated);
  });

  it("finds what was changed behind its back, and repairs it", async () => {
    const driver = stage.driver("Network");
    const made = await driver.create(inputs);
    await stage.virsh("net-destroy", "dev");
    await stage.virsh("net-autostart", "dev", "--disable");
    await stage.virsh(
      "net-update",
      "dev",
      "delete",
      "ip-dhcp-host",
      "<host mac='52:54:00:00:00:01'/>",
      "--config",
    );
    expect((await driver.drift(made)).sort()).toEqual(["active", "autostart", "leases[0]"]);
    const repaired = await driver.update((await driver.refresh(made)) ?? made, inputs);
    expect(await driver.drift(repaired)).toEqual([]);
    await stage.virsh("net-destroy", "dev");
    await stage.virsh("net-undefine", "dev");
    expect(await driver.drift(repaired)).toEqual(["gone"]);
    await driver.delete(repaired);
  });

  it("is finished after an interrupted creation, and refuses somebody else's", async () => {
    const driver = stage.driver("Network");
    await driver.create(inputs);
    const made = await driver.create({ ...inputs, leases: [second] });
    expect((await driver.import("dev"))?.inputs).toMatchObject({ leases: [second] });
    await expect(stage.driver("Network", "other").create(inputs)).rejects.toThrow(
      /a network dev exists already and is not of this stack: rename it, or `pulumi import` it/,
    );
    await driver.delete(made);
  });

  it("imports one that was made by hand", async () => {
    const file = join(stage.pool, "hand.xml");
    await writeFile(
      file,
      "<network><name>hand</name><domain name='hand.local'/><dns><forwarder addr='9.9.9.9'/></dns><ip address='10.79.0.1' netmask='255.255.255.0'/></network>",
    );
    await stage.virsh("net-define", file);
    const driver = stage.driver("Network", "hand");
    const made = await driver.import("hand");
    expect(made?.inputs).toEqual({
      name: "hand",
      mode: "isolated",
      subnet: "10.79.0.0/24",
      domain: "hand.local",
      // libvirt's default: questions for names of its own domain may leave.
      domainLocal: false,
      leases: [],
      hosts: [],
      forwarders: [{ address: "9.9.9.9" }],
      active: false,
      autostart: false,
    });
    if (made !== undefined) await driver.delete(made);
  });
});
