import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { repository } from "../../support/project.ts";
import { Stage, unavailable } from "./stage.ts";

const aiHow = join(repository, "bin", "ai-how");
const file = join(repository, "tests/fixtures/valid/old-multi-gpu-clusters.yaml");

describeUnless(unavailable, "inventory", () => {
  const stage = new Stage("inventory");

  it("lists what libvirt knows of the host, or says why nothing can be given away", async () => {
    const args = ["inventory", "pcie", "--connect", stage.uri, "--config", file];
    const json = await execa(aiHow, [...args, "--json"], { cwd: repository });
    const { devices, reason } = JSON.parse(json.stdout) as { devices: { address: string }[]; reason: string };
    expect(
      reason === "" || devices.every((device) => !("iommuGroup" in device) || device.iommuGroup === -1),
    ).toBe(true);
    const text = await execa(aiHow, args, { cwd: repository });
    expect(text.stdout).toMatch(devices.length === 0 ? /^no PCI device$/ : /^address +device +id +driver/);
    for (const { address } of devices) expect(text.stdout).toContain(address);
    expect(text.stderr).toContain(reason);
  });

  it("is one line where libvirt does not answer", async () => {
    const result = await execa(aiHow, ["inventory", "gpu", "--connect", "qemu:///nowhere"], {
      cwd: repository,
      reject: false,
    });
    expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    expect(result.stderr.split("\n")).toHaveLength(1);
  });
});
