import { afterAll, beforeAll, expect, it } from "vitest";
import { FreshDebian12, freshDebian12Lacks } from "../support/fresh-debian12.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await freshDebian12Lacks());

// The first time, Debian's packages are downloaded: some minutes.
describeUnless(lacking, "tools/setup.sh on a fresh Debian 12", () => {
  let debian: FreshDebian12;

  beforeAll(async () => {
    debian = await FreshDebian12.make();
  });
  afterAll(() => debian.remove());

  it("lacks everything before", async () => {
    for (const program of ["virsh", "mmdebstrap", "systemd-nspawn"])
      expect(await debian.run("which", program)).toMatchObject({ exitCode: 1 });
  });

  it("installs system packages, Node packages and Ansible, and says what it does", async () => {
    const { exitCode, output } = await debian.run("tools/setup.sh");
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/^setup: installing with apt: .*\blibvirt-daemon\b.*\bmmdebstrap\b/m);
    for (const step of ["packages", "npm", "python"])
      expect(output).toMatch(new RegExp(`^setup: ${step} done \\(\\d+ s\\)$`, "m"));
  });

  it("has the programs that `doctor` looks for, Node 24, and Ansible", async () => {
    const { output } = await debian.run("bin/ai-how", "doctor", "dev");
    expect(output).toMatch(/^pass virsh: \/usr\/bin\/virsh$/m);
    expect(output).toMatch(/^pass ansible: ansible-playbook/m);
    // The chroot has the host's memory, kernel and disks.
    expect(output).not.toMatch(/^fail (?!disk|network namespaces)/m);
    const node = await debian.run("sh", "-c", 'here=$PWD; . tools/node.sh; "$NODE" --version');
    expect(node.stdout).toMatch(/^v24\./);
    expect(await debian.run("bin/ai-how", "validate", "stacks/dev.yaml")).toMatchObject({
      exitCode: 0,
      stdout: "stacks/dev.yaml: valid",
    });
  });

  it("leaves the new services off", async () => {
    const services = ["libvirtd.service", "libvirtd.socket", "virtlogd.socket", "nftables.service"];
    const { stdout } = await debian.run("systemctl", "--root=/", "is-enabled", ...services);
    expect(stdout.split("\n")).toEqual(services.map(() => "disabled"));
    expect(await debian.run("test", "-e", "/usr/sbin/policy-rc.d")).toMatchObject({ exitCode: 1 });
  });

  it("has nothing to do the second time, and says nothing", async () => {
    expect(await debian.run("tools/setup.sh")).toMatchObject({ exitCode: 0, output: "" });
  });
});
