import { expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "./stage.ts";

// What containers cannot show, NFS between machines, is tested on VMs: tests/e2e.
const stage = new Stage("storage", ["server", "client"]);
const groups = { firsts: ["nfs_server"], others: ["nfs_clients"] };

describeUnless(unavailable, "roles base and storage", () => {
  it("share a directory that was mounted from outside, and change nothing the second time", async () => {
    expect(await stage.play(groups)).toMatchObject({ exitCode: 0 });
    expect(await stage.play(groups)).toMatchObject({ exitCode: 0, changed: 0 });
    await stage.on("server", "echo from the server > /scratch/file");
    expect(await stage.on("client", "cat /scratch/file")).toBe("from the server");
  });

  it("give every machine the names of all others", async () => {
    expect(await stage.on("client", "getent ahostsv4 server")).toContain("192.168.190.10");
    expect(await stage.on("server", "grep client /etc/hosts")).toBe("192.168.190.11 client");
  });

  it("fail where a directory is not mounted", async () => {
    const play = await stage.play(groups, { storage_shares: [{ path: "/elsewhere" }] });
    expect(play.exitCode).not.toBe(0);
    expect(play.output).toContain("item: /elsewhere");
  });

  it("refuse NFS without a network that may mount", async () => {
    const play = await stage.play(groups, { storage_backend: "nfs" });
    expect(play.output).toContain("storage_network");
    expect(play.exitCode).not.toBe(0);
  });

  it("let in keys only, and nobody as root", async () => {
    const settings = await stage.on("server", "sudo sshd -T");
    expect(settings).toContain("passwordauthentication no");
    expect(settings).toContain("permitrootlogin no");
    expect(await stage.on("server", "sudo cut -d: -f1,2 /etc/shadow | grep -v ':[*!]' || true")).toBe("");
  });
});
