import { resolve } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";

const SUPPORT = resolve(import.meta.dirname, "../../../ansible/support");

/** The key exchanges that ssh itself offers with our options, its first choice first. */
async function keyExchanges(proxied: "True" | "False"): Promise<string[]> {
  const script = `import session; print("\\n".join(session.ssh_options("/dev/null", None, ${proxied})))`;
  const options = (await execa("python3", ["-c", script], { cwd: SUPPORT })).stdout.split("\n");
  const { stdout } = await execa("ssh", ["-F", "none", ...options, "-G", "machine"]);
  return (/^kexalgorithms (.+)$/m.exec(stdout)?.[1] ?? "").split(",");
}

it("prefers the cheap key exchange where nothing leaves the host, and ssh's own choice elsewhere", async () => {
  const elsewhere = await keyExchanges("False");
  expect(elsewhere[0]).not.toBe("curve25519-sha256");
  const local = await keyExchanges("True");
  expect(local[0]).toBe("curve25519-sha256");
  expect(new Set(local)).toEqual(new Set(elsewhere));
});
