import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { Driver } from "../libvirt/stage.ts";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII";

/** A port on which something answers that is not SSH. */
async function otherService(): Promise<number> {
  const server = createServer((socket) => socket.end("not SSH\n"));
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("a machine that never speaks SSH is one line once its time is over", async () => {
  const provider = new Provider(host);
  provider.configure({});
  const ssh = { address: "127.0.0.1", port: await otherService(), user: "admin", hostKey: HOST_KEY };
  const waiting = new Driver(provider, "host:index:SshReady", "trial").create({
    ssh,
    generation: "1",
    timeoutSeconds: 1,
  });
  await expect(waiting).rejects.toThrow(/^admin@127\.0\.0\.1: no SSH after 1 s: [^\n]+$/);
});
