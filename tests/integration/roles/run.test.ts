import { execa } from "execa";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { keyPair, unavailable } from "./stage.ts";

const run = resolve(import.meta.dirname, "../../../ansible/run");
const ssh = resolve(import.meta.dirname, "../../../ansible/ssh");

const inventory = (host: object) =>
  JSON.stringify({ all: { hosts: ["it"] }, _meta: { hostvars: { it: host } } });
const leftovers = () =>
  readdirSync(process.env.XDG_RUNTIME_DIR ?? tmpdir()).filter((name) => name.startsWith("ai-how-0-"));

/** The processes with this text in their arguments. */
function pids(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

/** The agents of runs that began since then. */
function agentsSince(before: ReadonlySet<string>): string[] {
  return leftovers()
    .filter((name) => !before.has(name))
    .flatMap((name) => pids(`${tmpdir()}/${name}/agent`));
}

describeUnless(unavailable, "ansible/run", () => {
  it("says which host does not answer SSH, after the time it was given", async () => {
    const env = {
      AI_HOW_INVENTORY: inventory({ ansible_host: "127.0.0.1", ansible_port: 1 }),
      AI_HOW_SSH_TIMEOUT: "1",
    };
    const result = await execa(run, ["cluster"], { env, reject: false });
    expect(result.stderr).toBe("no SSH after 1 s: it");
    expect(result.exitCode).toBe(1);
  });

  it("names the playbooks that there are", async () => {
    const result = await execa(run, ["clutser"], { env: { AI_HOW_INVENTORY: inventory({}) }, reject: false });
    expect(result.stderr).toContain("there is no playbook clutser; there are bake, cluster");
  });

  it("keeps key and inventory from argv, files and children, and ends its agent with itself", async () => {
    const before = new Set(leftovers());
    const { privateKey } = await keyPair("run");
    const secret = "inventory-secret-0123456789";
    const env = {
      AI_HOW_INVENTORY: inventory({ ansible_host: "127.0.0.1", ansible_port: 1, secret }),
      AI_HOW_SSH_KEY: privateKey,
      AI_HOW_KNOWN_HOSTS: "127.0.0.1 ssh-ed25519 AAAA",
    };
    const playing = execa(run, ["cluster"], { env, reject: false });
    const agent = () => agentsSince(before);
    const mine = () => leftovers().filter((name) => !before.has(name));
    await expect.poll(agent, { timeout: 10_000 }).toHaveLength(1);
    for (const directory of mine()) {
      const files = await execa("grep", ["-rlE", "--devices=skip", `${secret}|PRIVATE KEY`, directory], {
        cwd: tmpdir(),
        reject: false,
      });
      expect(files.stdout).toBe("");
    }
    for (const pid of agent()) {
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toMatch(/inventory-secret|PRIVATE KEY/);
    }
    const left = mine();
    playing.kill("SIGKILL");
    await playing;
    await expect.poll(() => left.flatMap((name) => pids(`${tmpdir()}/${name}/agent`))).toEqual([]);
    // The next run removes what a killed one could not.
    await execa(ssh, ["true"], {
      env: {
        AI_HOW_MACHINE: JSON.stringify({
          address: "127.0.0.1",
          port: 1,
          user: "x",
          hostKey: "ssh-ed25519 AAAA",
        }),
      },
      reject: false,
    });
    expect(leftovers().filter((name) => left.includes(name))).toEqual([]);
  });

  it("ends its agent with itself also when it is killed before the agent is ready", async () => {
    const slow = mkdtempSync(join(tmpdir(), "slow-"));
    onTestFinished(() => {
      rmSync(slow, { recursive: true });
    });
    writeFileSync(join(slow, "sh"), '#!/bin/bash\nsleep 1\nexec /bin/sh "$@"\n', { mode: 0o755 });
    const before = new Set(leftovers());
    const { privateKey } = await keyPair("run");
    const playing = execa(run, ["cluster"], {
      env: {
        AI_HOW_INVENTORY: inventory({ ansible_host: "127.0.0.1", ansible_port: 1 }),
        AI_HOW_SSH_KEY: privateKey,
        PATH: `${slow}:${process.env.PATH}`,
      },
      reject: false,
    });
    const agent = () => agentsSince(before);
    await expect.poll(agent, { timeout: 10_000 }).toHaveLength(1);
    playing.kill("SIGKILL");
    await playing;
    // By itself, an agent looks every ten seconds whether it is still wanted.
    await expect.poll(agent, { timeout: 5000 }).toEqual([]);
  });
});
