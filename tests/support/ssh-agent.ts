import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

/** Does something while an SSH agent holds a key, and nobody else does; `socket` is for SSH_AUTH_SOCK. */
export async function withAgent<Result>(
  privateKey: string,
  work: (socket: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "ssh-agent-"));
  const socket = join(folder, "socket");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    while (!existsSync(socket)) await sleep(10);
    await execa("ssh-add", ["-q", "-"], { input: `${privateKey.trim()}\n`, env: { SSH_AUTH_SOCK: socket } });
    return await work(socket);
  } finally {
    agent.kill();
    if (agent.exitCode === null) await once(agent, "exit");
    await rm(folder, { recursive: true });
  }
}
