import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { buildImage } from "../integration/roles/stage.ts";
import { aiHowCommand, type Running } from "../support/command.ts";
import { DistributionHost } from "../support/distribution-host.ts";
import { repository } from "../support/project.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

const STACK = "test-verify";
const NAME = "ai-how-verify";
const reportSchema = z.object({
  passed: z.boolean(),
  steps: z.array(
    z.object({ step: z.string(), subject: z.string().optional(), status: z.string(), found: z.string() }),
  ),
});

const CLUSTER = `version: "1.0"
metadata: { name: trial, description: two small VMs }
clusters:
  hpc:
    name: trial
    image: { distribution: debian12 }
    network: { subnet: 192.168.100.0/24, bridge: virbr-trial }
    hardware: { acceleration: tcg }
    controller: { cpu_cores: 1, memory_gb: 1, disk_gb: 10, ip_address: 192.168.100.10 }
    compute_nodes: [{ cpu_cores: 1, memory_gb: 1, disk_gb: 10, ip: 192.168.100.11 }]
    slurm_config: { partitions: [cpu], default_partition: cpu, max_job_time: "1:00:00" }
`;

describeUnless(
  await hostLacks(),
  "ai-how verify, on libvirtd and virtlogd as the distribution has them",
  () => {
    const configuration = join(repository, `Pulumi.${STACK}.yaml`);
    let folder = "";
    const host = new DistributionHost();

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "verify-"));
      writeFileSync(join(folder, "cluster.yaml"), CLUSTER);
      writeFileSync(
        configuration,
        `config:\n  ai-how:target: workstation\n  ai-how:clusterFile: ${join(folder, "cluster.yaml")}\n`,
      );
      await buildImage();
      await host.make();
    });

    afterAll(async () => {
      await host.remove();
      await rm(configuration, { force: true });
      await rm(join(repository, ".ai-how/verify"), { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    });

    const start = (...args: string[]): Running => host.start(aiHowCommand, "verify", STACK, ...args);
    const virsh = async (...args: string[]): Promise<string> => (await host.virsh(...args)).trim();

    /** Waits until the machine of a run is there. */
    async function running(run: Running): Promise<void> {
      const command = { isOver: false };
      void run.ended.then(() => (command.isOver = true));
      while (!(await virsh("list", "--name")).includes(NAME)) {
        if (command.isOver) throw new Error(`it ended without a machine:\n${run.output}`);
        await sleep(500);
      }
    }

    async function nothingLeft(): Promise<void> {
      expect(await virsh("list", "--all", "--name")).toBe("");
      // The distribution has a network of its own.
      expect(await virsh("net-list", "--all", "--name")).not.toContain(NAME);
      expect(await virsh("pool-list", "--all", "--name")).not.toContain(NAME);
      for (const place of ["/var/log/libvirt/qemu", "/var/lib/libvirt/images"])
        expect((await host.succeed("ls", "-A", place)).stdout, place).toBe("");
      expect(existsSync(`/var/lib/ai-how/${NAME}`)).toBe(false);
      expect(existsSync(join(repository, ".ai-how/verify"))).toBe(false);
    }

    it("proves what this host can do, fails what it cannot, and leaves nothing", async () => {
      const { exitCode, stdout } = await start("--json").ended;
      const { steps, passed } = reportSchema.parse(JSON.parse(stdout));
      const lines = steps.map(
        ({ step, subject, status, found }) => `${status} ${subject ?? ""}: ${step}: ${found}`,
      );
      for (const line of [
        `passed ${NAME}: start: runs with emulation`,
        `passed ${NAME}: SSH: answers`,
        `passed ${NAME}: console log: a line arrived in /var/log/libvirt/qemu/${NAME}-console.log`,
        `passed ${NAME}: virtiofs: host and machine read each other's files`,
        `not tried ${NAME}: huge pages: the cluster file asks for no huge pages`,
        `passed ${NAME}: removal: nothing is left`,
        "not tried : devices: the cluster file claims no device",
      ])
        expect(lines).toContain(line);
      // Its network namespace has no way out.
      expect(lines.find((line) => line.includes("package mirror"))).toMatch(/^failed /);
      expect([exitCode, passed]).toEqual([1, false]);
      await nothingLeft();
    });

    it("removes what a run has left that was killed, and leaves nothing when it is interrupted", async () => {
      const killed = start();
      await running(killed);
      await host.kill(killed);
      expect(await virsh("list", "--name")).toBe(NAME);

      const again = start();
      await again.until(/leftovers: those of an earlier run are removed/);
      await running(again);
      expect((await host.kill(again, "SIGINT")).exitCode).toBe(130);
      await nothingLeft();
    });
  },
);
