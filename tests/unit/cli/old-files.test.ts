import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import ipaddr from "ipaddr.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { clusterPlanSchema } from "../../../cli/cluster-plan.ts";
import { addPlan } from "../../../cli/plan.ts";
import { addTopology } from "../../../cli/topology.ts";
import { fixtures } from "../config/fixtures.ts";

const old = fixtures("valid").filter(({ name }) => name.startsWith("old-"));

/** Runs a command in this process; returns what it wrote to standard output and to standard error. */
async function run(add: (program: Command) => void, ...words: string[]) {
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
  const program = new Command().exitOverride();
  add(program);
  await program.parseAsync(words, { from: "user" });
  return written;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test("there is a file for each of the old project's seventeen", () => {
  expect(old.length).toBeGreaterThanOrEqual(17);
});

describe.each(old)("$name", ({ path, lines }) => {
  const warnings = lines.map((line) => `warning: ${line}\n`).join("");

  test("plan gives every node an address of its own in its network", async () => {
    const { stdout, stderr } = await run(addPlan, "plan", path, "--format", "json");
    expect(stderr).toBe(warnings);
    const { clusters, allocations } = clusterPlanSchema.parse(JSON.parse(stdout));
    for (const { name, network, vms } of Object.values(clusters)) {
      const subnet = ipaddr.parseCIDR(network?.subnet ?? "");
      const addresses = vms.map((vm) => vm.ip_address ?? "");
      expect(new Set(addresses).size).toBe(addresses.length);
      for (const address of addresses) expect(ipaddr.parse(address).match(subnet), address).toBe(true);
      expect(allocations.subnets).toContainEqual({ ...network, cluster: name });
    }
  });

  test.each(["text", "markdown"])("plan shows it as %s", async (format) => {
    const { stdout, stderr } = await run(addPlan, "plan", path, "--format", format);
    expect(stderr).toBe(warnings);
    expect(stdout).not.toMatch(/undefined|\[object|DHCP/);
  });

  test("topology draws it", async () => {
    const { stdout, stderr } = await run(addTopology, "topology", path);
    expect(stderr).toBe(warnings);
    expect(stdout).toMatch(/^flowchart LR\n/);
    expect(stdout).not.toMatch(/undefined|\[object|DHCP/);
  });
});

test("plan shows who has which CPUs and devices of the host", async () => {
  const file = (name: string): string => old.find((each) => each.name === `${name}.yaml`)?.path ?? "";
  const hardware = await run(addPlan, "plan", file("old-hardware"));
  expect(hardware.stdout).toMatch(/^host CPUs 0-3, in a new stack +hardware-controller$/m);
  expect(hardware.stdout).toMatch(/^host CPUs 4-19, in a new stack +hardware-compute-01$/m);

  const shared = await run(addPlan, "plan", file("old-shared-gpu-running"));
  expect(shared.stdout).toMatch(
    /^PCI device 0000:01:00\.0 +hpc-test-compute-01 or cloud-test-gpu-worker-01, one at a time$/m,
  );
  expect(shared.stdout).toContain("is not read by anything yet");
});

test("partitions that were derived are marked in plan and topology, others are not", async () => {
  const file = "stacks/workstation.yaml";
  const { stdout } = await run(addPlan, "plan", file);
  expect(stdout).toMatch(/1g\.10gb@3 \(derived\) /);
  expect(stdout).toMatch(/^\(derived\): /m);
  expect((await run(addTopology, "topology", file)).stdout).toContain("4 x 1g.10gb (derived)");

  // The H100's have been read from one.
  const read = join(tmpdir(), "read.yaml");
  await writeFile(read, (await readFile(file, "utf8")).replace("a100-80gb", "h100-80gb"));
  expect((await run(addPlan, "plan", read)).stdout).not.toContain("derived");
});
