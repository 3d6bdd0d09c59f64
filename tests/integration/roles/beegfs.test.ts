import { execa } from "execa";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { beegfsKernels } from "../../../components/hpc/beegfs-kernels.ts";
import { FakeBeegfs } from "../../support/fake-beegfs.ts";
import { Stage, unavailable } from "./stage.ts";

// What containers cannot show, the client's module and the mount, is tested on VMs: tests/e2e/beegfs.test.ts.
const stage = new Stage("beegfs", ["manager", "server"]);
const servers = { firsts: ["beegfs_management"], others: ["beegfs_metadata", "beegfs_storage"] };
const secret = "0123456789abcdef".repeat(8);

describeUnless(unavailable, "role beegfs", () => {
  const packages = new FakeBeegfs();
  const folder = mkdtempSync(join(tmpdir(), "fake-beegfs-repository-"));
  let stopServing = (): Promise<unknown> => Promise.resolve();
  let tls = { certificate: "", key: "" };
  let signer = "";

  beforeAll(async () => {
    await packages.add("8.3.1");
    await packages.add("8.3.2");
    await packages.publish(folder);
    const inNamespace = ["netns", "exec", stage.namespace, "python3", "-m", "http.server"];
    const server = execa("ip", [...inNamespace, "--bind", "192.168.190.1", "--directory", folder, "80"], {
      reject: false,
    });
    stopServing = () => {
      server.kill();
      return server;
    };
    const pem = ["-out", join(folder, "cert.pem"), "-keyout", join(folder, "key.pem")];
    await execa("openssl", [
      ..."req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=manager -addext subjectAltName=DNS:manager".split(
        " ",
      ),
      ...pem,
    ]);
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    tls = { certificate: read("cert.pem"), key: read("key.pem") };
    rmSync(join(folder, "key.pem"));
    signer = read("gpg/GPG-KEY-beegfs");
  });
  afterAll(async () => {
    await stopServing();
    packages.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const variables = (changes: Record<string, unknown> = {}) => ({
    beegfs_version: "8.3.1",
    beegfs_kernels: beegfsKernels,
    beegfs_conn_auth: secret,
    beegfs_tls: tls,
    beegfs_repository: { uri: "http://192.168.190.1", key: signer },
    base_update_packages: false,
    ...changes,
  });

  it("brings up servers from a signed repository, in the version that was asked for and not the newest", async () => {
    const play = await stage.play(servers, variables());
    expect(play.exitCode, play.output).toBe(0);
    expect(await stage.on("server", "dpkg-query -W -f '${Package} ${Version}\\n' 'beegfs-*'")).toBe(
      "beegfs-meta 20:8.3.1\nbeegfs-storage 20:8.3.1",
    );
    expect(await stage.on("manager", "sudo beegfs node list")).toBe("meta:server storage:server");
  });

  it("changes nothing the second time", async () => {
    expect(await stage.play(servers, variables())).toMatchObject({ exitCode: 0, changed: 0 });
  });

  it("keeps its secrets from everybody but root, and shows none", async () => {
    const play = await stage.play(
      servers,
      variables({ beegfs_license: "-----BEGIN CERTIFICATE-----\nlicensed\n" }),
    );
    expect(play.exitCode, play.output).toBe(0);
    const files = "/etc/beegfs/conn.auth /etc/beegfs/key.pem /etc/beegfs/license.pem";
    expect(await stage.on("manager", `sudo stat -c '%a %U' ${files}`)).toBe("400 root\n400 root\n400 root");
    expect(
      await stage.on("server", "sudo sh -c 'cat /etc/beegfs/conn.auth; ls /etc/beegfs | grep -v dpkg'"),
    ).toBe(`${secret}beegfs-meta.conf\nbeegfs-storage.conf\nconn.auth`);
    for (const shown of [secret, tls.key.split("\n")[3] ?? "", "licensed"])
      expect(play.output).not.toContain(shown);
  });

  it("makes no new target where the old one's disk is not mounted", async () => {
    await stage.on("server", "sudo systemctl stop beegfs-storage && sudo mv /data/beegfs/storage /data/kept");
    await stage.on("server", "sudo systemctl start beegfs-storage; sleep 2");
    expect(await stage.on("server", "systemctl is-active beegfs-storage || true")).toBe("failed");
    await stage.on(
      "server",
      "sudo mv /data/kept /data/beegfs/storage && sudo systemctl start beegfs-storage",
    );
  });

  it("moves to a later version when it is asked to", async () => {
    const before = await stage.on("server", "systemctl show --value -p MainPID beegfs-meta");
    const play = await stage.play(servers, variables({ beegfs_version: "8.3.2" }));
    expect(play.exitCode, play.output).toBe(0);
    expect(await stage.on("manager", "dpkg-query -W -f '${Version}' beegfs-mgmtd")).toBe("20:8.3.2");
    expect(await stage.on("server", "systemctl show --value -p MainPID beegfs-meta")).not.toBe(before);
  });

  // The kernel of a container is the host's: real, and whatever it is.
  const clients = { firsts: ["beegfs_management"], others: ["beegfs_clients"] };

  it("refuses a kernel that no version is for, before anything is installed", async () => {
    const kernels = [{ version: "8.3.0", from: "2.4", to: "2.6" }];
    const play = await stage.play(clients, variables({ beegfs_kernels: kernels }));
    expect(play.exitCode).not.toBe(0);
    expect(play.output).toMatch(
      /BeeGFS 8\.3\.1 is for kernels 2\.4 to 2\.6, and server runs \d\S+; no version that is known would fit, or use storage\.nfs/,
    );
    expect(play.changed).toBe(0);
  });

  it("names the versions that would fit", async () => {
    const kernels = [
      { version: "8.3.0", from: "2.4", to: "2.6" },
      { version: "8.2.1", from: "3.0", to: "99.0" },
      { version: "7.4.5", from: "2.4", to: "99.0" },
    ];
    const play = await stage.play(clients, variables({ beegfs_kernels: kernels }));
    expect(play.output).toMatch(/version 8\.2\.1 or 7\.4\.5 would fit: give it as storage\.beegfs\.version/);
    expect(play.changed).toBe(0);
  });

  it("refuses a kernel without headers, before anything is installed", async () => {
    const kernels = [{ version: "8.3.0", from: "2.4", to: "99.0" }];
    const play = await stage.play(clients, variables({ beegfs_kernels: kernels }));
    expect(play.exitCode).not.toBe(0);
    expect(play.output).toMatch(
      /linux-headers-\S+ is neither installed on server nor in its package sources/,
    );
    expect(play.changed).toBe(0);
    expect(await stage.on("server", "dpkg-query -W beegfs-client-dkms 2>&1 || true")).toContain(
      "no packages",
    );
  });

  it("takes the key of a repository by its fingerprint, as gpg says it, and no other", async () => {
    const shown = await execa("gpg", ["--show-keys", "--with-colons", join(folder, "gpg/GPG-KEY-beegfs")]);
    const [, fingerprint] = /^fpr:+([0-9A-F]{40}):/m.exec(shown.stdout) ?? [];
    const from = (expected: unknown) => ({
      beegfs_version: "8.3.2",
      beegfs_repository: { uri: "http://192.168.190.1", fingerprint: expected },
    });
    await stage.on("manager", "sudo dpkg --purge beegfs-tools; sudo rm -f /etc/ai-how/beegfs.asc");
    const other = await stage.play(servers, variables(from("0".repeat(40))));
    expect(other.exitCode).not.toBe(0);
    expect(other.output).toContain(`the key at http://192.168.190.1 is ${fingerprint ?? ""} and not 000`);
    const same = await stage.play(servers, variables(from(fingerprint)));
    expect(same.exitCode, same.output).toBe(0);
    expect(await stage.on("manager", "dpkg-query -W -f '${Version}' beegfs-tools")).toBe("20:8.3.2");
  });
});
