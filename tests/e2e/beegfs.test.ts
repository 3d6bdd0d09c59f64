import { afterAll, beforeAll, expect, it } from "vitest";
import { FakeBeegfs } from "../support/fake-beegfs.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const until = (condition: string, seconds: number): string =>
  `timeout ${seconds} sh -c 'until ${condition}; do sleep 1; done'`;

// The packages are fakes with a real kernel module: see tests/support/fake-beegfs/build. One cluster serves all tests of this
// file, each of which goes on where the one before ended.
describeUnless(await hostLacks(), "BeeGFS of fake packages on virtual machines", () => {
  const packages = new FakeBeegfs();
  // Not what the defaults are: a compute node manages, and the controller has the metadata.
  const beegfs = {
    mount_point: "/mnt/beegfs",
    management_node: "compute-01",
    metadata_nodes: ["controller"],
    storage_nodes: ["parallel-compute-01"],
    packages: { directory: packages.folder },
  };
  const site = new Site("parallel", {
    machines: "vm",
    computeNodes: 1,
    beegfs: { ...beegfs, version: "8.3.2" },
  });
  const node = "parallel-compute-01";
  const nodeSays = (format: string): Promise<string> =>
    site.on("controller", `sinfo -hN -n ${node} -o '${format}'`);

  beforeAll(async () => {
    await packages.add("8.3.1");
    await packages.add("8.3.2", "broken");
  });
  afterAll(() => {
    packages.remove();
  });

  it("whose module does not build ends the run with the end of its log", async () => {
    const up = await site.run("up");
    expect(up.exitCode).not.toBe(0);
    expect(up.output).toMatch(
      /BeeGFS 8\.3\.2 cannot be set up on parallel-\S+, which runs 6\.1\.0-\d+-cloud-amd64/,
    );
    expect(up.output).toContain("the end of /var/lib/dkms/beegfs/8.3.2/build/make.log");
    expect(up.output).toContain("error: implicit declaration of function");
  });

  it("is served by the nodes that the file names, and mounted by all with a module for their kernel", async () => {
    await site.change({ beegfs: { ...beegfs, version: "8.3.1" } });
    await site.succeed("up");
    expect(await site.outputs()).toMatchObject({
      slurm: { beegfs: "/mnt/beegfs", smokeJob: { nodes: [node], state: "COMPLETED" } },
    });
    const active = "systemctl is-active beegfs-mgmtd beegfs-meta beegfs-storage || true";
    expect(await site.on("compute-01", active)).toBe("active\ninactive\nactive");
    expect(await site.on("controller", active)).toBe("inactive\nactive\ninactive");
    expect(await site.on("compute-01", "sudo beegfs node list")).toBe(
      "meta:parallel-controller storage:parallel-compute-01",
    );
    for (const machine of ["controller", "compute-01"]) {
      const said = await site.on(
        machine,
        "findmnt -no FSTYPE /mnt/beegfs; cat /sys/module/beegfs/version; sudo dkms status; uname -r",
      );
      const [type, version, status, kernel] = said.split("\n");
      expect([type, version]).toEqual(["beegfs", "8.3.1"]);
      expect(status).toMatch(new RegExp(`^beegfs/8\\.3\\.1, ${kernel ?? ""}, x86_64: installed`));
    }
  });

  it("is mounted before slurmd starts, and keeps its secrets to itself", async () => {
    const after = await site.on("compute-01", "systemctl show slurmd --property=After --value");
    expect(after.split(" ")).toContain("mnt-beegfs.mount");
    expect(
      await site.on("compute-01", "sudo stat -c '%a %U' /etc/beegfs/conn.auth /etc/beegfs/key.pem"),
    ).toBe("400 root\n600 root");
  });

  it("has no changes at the second `up`", async () => {
    expect((await site.succeed("up")).output).toContain("no changes");
  });

  it("drains a node while a target is lost, with the reason, and brings it back", async () => {
    await site.on("compute-01", "sudo systemctl stop beegfs-storage");
    await site.on("controller", until(`sinfo -hN -n ${node} -o %T | grep -q drain`, 120));
    expect(await nodeSays("%E")).toBe(`ai-how: BeeGFS: no answer from storage ${node}:8003`);
    await site.on("compute-01", "sudo systemctl start beegfs-storage");
    await site.on("controller", until(`sinfo -hN -n ${node} -o %T | grep -qx idle`, 120));
  });

  it("is mounted again by all machines when they start together, before nodes take jobs", async () => {
    await site.succeed("stop");
    await site.succeed("start");
    await site.on("controller", until(`sinfo -hN -n ${node} -o %T | grep -qx idle`, 180));
    expect(await site.on("controller", `srun -w ${node} findmnt -no FSTYPE /mnt/beegfs`)).toBe("beegfs");
    await site.on("controller", until("findmnt /mnt/beegfs", 60));
  });

  it("is refused for a kernel without headers before anything is installed", async () => {
    const headers = "/lib/modules/$(uname -r)/build";
    await site.on(
      "compute-01",
      `sudo mv ${headers} /root/headers && sudo DEBIAN_FRONTEND=noninteractive dpkg --purge beegfs-storage`,
    );
    await packages.add("8.3.3");
    await site.change({ beegfs: { ...beegfs, version: "8.3.3" } });
    const up = await site.run("up");
    expect(up.exitCode).not.toBe(0);
    expect(up.output).toMatch(
      /linux-headers-6\.1\.0-\d+-cloud-amd64 is neither installed on parallel-compute-01 nor in its package sources/,
    );
    for (const machine of ["controller", "compute-01"]) {
      expect(await site.on(machine, "dpkg-query -W 'beegfs-*'")).not.toMatch(/8\.3\.3|beegfs-storage\t./);
    }
    await site.on("compute-01", `sudo mv /root/headers ${headers}`);
  });

  it("leaves nothing behind after `down`, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });
});
