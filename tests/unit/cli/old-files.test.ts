import { Command } from "commander";
import ipaddr from "ipaddr.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { addPlan } from "../../../cli/plan.ts";
import { addTopology } from "../../../cli/topology.ts";
import { fixtures } from "../config/fixtures.ts";

const old = fixtures("valid").filter(({ name }) => name.startsWith("old-"));

const planned = z.object({
  clusters: z.record(
    z.string(),
    z.object({
      network: z.object({ subnet: z.string(), bridge: z.string().max(15) }),
      base_image: z.string(),
      vms: z.array(z.object({ name: z.string(), ip_address: z.ipv4() })).min(1),
    }),
  ),
});

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
    for (const { network, vms } of Object.values(planned.parse(JSON.parse(stdout)).clusters)) {
      const subnet = ipaddr.parseCIDR(network.subnet);
      const addresses = vms.map((vm) => vm.ip_address);
      expect(new Set(addresses).size).toBe(addresses.length);
      for (const address of addresses) expect(ipaddr.parse(address).match(subnet), address).toBe(true);
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
