import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { repository } from "../../support/project.ts";

/** The key exchanges that ssh itself offers with our options behind a ProxyCommand, its first choice first. */
async function keyExchanges(proxyCommand: string): Promise<string[]> {
  const script = `import json, session
local = session.stays_here(${JSON.stringify(proxyCommand)})
print(json.dumps(session.ssh_options("/dev/null", local=local)))`;
  const cwd = join(repository, "ansible/support");
  const options = JSON.parse((await execa("python3", ["-B", "-c", script], { cwd })).stdout) as string[];
  const { stdout } = await execa("ssh", ["-F", "none", ...options, "-G", "machine"]);
  return (/^kexalgorithms (.+)$/m.exec(stdout)?.[1] ?? "").split(",");
}

it("prefers the cheap key exchange where nothing leaves the host, and ssh's own choice elsewhere", async () => {
  const direct = await keyExchanges("");
  expect(direct[0]).not.toBe("curve25519-sha256");
  expect(await keyExchanges("ssh -W %h:%p jump.example.org")).toEqual(direct);
  const local = await keyExchanges("nsenter --net=/run/netns/site nc %h %p");
  expect(local[0]).toBe("curve25519-sha256");
  expect(new Set(local)).toEqual(new Set(direct));
});
