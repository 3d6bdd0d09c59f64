import { afterAll, beforeAll, expect, it } from "vitest";
import { Debian13, debian13Lacks } from "../support/debian13.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const lacking = (await hostLacks()) ?? (await debian13Lacks());

// The first time, what `make setup` installs is fetched and installed in it: some minutes.
describeUnless(lacking, "Debian 13 as the host", () => {
  const host = new Debian13();
  const up = ["make", "up", "ARGS=--machines container --engine in-process"];
  const aiHow = (command: string, ...args: string[]) =>
    host.succeed("/srv/ai-how/bin/ai-how", command, ...args);

  beforeAll(() => host.make());
  afterAll(() => host.remove());

  it("has no service from `make setup` after a boot, and those that it had before", async () => {
    expect(await host.succeed("/bin/sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME")).toBe("trixie");
    const services = await host.services();
    expect(services).toEqual(host.before);
    expect(services.listening.join("\n")).toMatch(/tcp .*:111$/m);
    expect(services.enabled).toContain("rpcbind.socket");
    expect(await host.succeed("/bin/sh", "-c", "ls /usr/sbin/policy-rc.d 2>&1 || :")).toMatch(/No such file/);
  });

  it("goes on with a service whose package is installed anew", async () => {
    await host.succeed("/srv/ai-how/tools/install-packages", "--reinstall", "rpcbind");
    expect(await host.services()).toEqual(host.before);
    expect(await host.run("systemctl", "is-active", "rpcbind.service")).toMatchObject({ exitCode: 0 });
  });

  it("has all that `doctor` looks for", async () => {
    expect(await aiHow("doctor")).not.toMatch(/^fail/m);
  });

  it("brings a stack of containers up by `make up`, and runs a job on it", async () => {
    const said = await host.succeed(...up);
    expect(said).toMatch(/\+ \d+ created; 0 unchanged/);
    const job = await aiHow("ssh", "controller", "--", "srun", "-N2", "hostname");
    expect(job.split("\n").sort()).toEqual(["dev-compute-01", "dev-compute-02"]);
    const release = await aiHow("ssh", "controller", "--", "cat", "/etc/debian_version");
    expect(release).toMatch(/^12\./);
  });

  it("keeps libvirtd and the way out when the session that began them has ended", async () => {
    const running = await host.succeed("/bin/sh", "-c", "cat /proc/[0-9]*/comm");
    expect(running.split("\n")).toEqual(expect.arrayContaining(["libvirtd", "slirp4netns"]));
    expect(await host.succeed(...up)).toContain("no changes");
  });

  it("is as it was before after `down`", async () => {
    await aiHow("down", "--engine", "in-process");
    expect(await host.succeed("/bin/sh", "-c", "ip netns list; ls /run/ai-how 2>/dev/null || :")).toBe("");
    const scopes = await host.succeed("systemctl", "list-units", "--type=scope", "--no-legend", "--plain");
    expect(scopes.split("\n").map((line) => line.split(" ")[0])).toEqual(["init.scope"]);
    expect(await host.services()).toEqual(host.before);
  });
});
