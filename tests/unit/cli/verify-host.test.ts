import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyDevices } from "../../../cli/verify/devices.ts";
import { verifyAfterReboot } from "../../../cli/verify/reboot.ts";
import type { Guest, VerifyContext } from "../../../cli/verify/context.ts";
import { fakeVerifyContext, fakeGuest, linesOf, said } from "../../support/fake-verify-context.ts";
import { FakeHost } from "../../support/fake-host.ts";

const A100 = "0000:41:00.0";
const H100 = "0000:61:00.0";
const NODE = "hpc-compute-01";
const OTHER = "hpc-compute-02";

let host: FakeHost;

beforeEach(() => {
  host = new FakeHost();
  for (const [address, group] of [
    [A100, "14"],
    [H100, "15"],
  ] as const) {
    const at = host.device({ address, group, driver: "nvidia", kind: "0x030200" });
    host.write(`${at}/reset_method`, "flr bus\n");
  }
});

afterEach(() => {
  host.remove();
});

const trials =
  (...found: readonly object[]): VerifyContext["play"] =>
  (_name, { nvidia_vfio_report: report }) => {
    writeFileSync(String(report), JSON.stringify(found));
    return Promise.resolve(said("recap"));
  };
const good = (address: string) => ({ address, problems: [], held: "", seconds: 0.4 });

describe("verify: claimed devices", () => {
  it("passes where VFIO takes each and gives it back", async () => {
    const context = fakeVerifyContext(host, { play: trials(good(A100), good(H100)) });
    expect(await linesOf(verifyDevices(context))).toEqual([
      `passed ${A100}: IOMMU group: driver nvidia, IOMMU group 14; ${NODE} claims it`,
      `passed ${A100}: reset method: flr, bus`,
      `passed ${H100}: IOMMU group: driver nvidia, IOMMU group 15; ${OTHER} claims it`,
      `passed ${H100}: reset method: flr, bus`,
      `passed ${A100}: holders: this host does not use it`,
      `passed ${A100}: bind and give back: bound to vfio-pci and back to its driver in 0.4 s`,
      `passed ${H100}: holders: this host does not use it`,
      `passed ${H100}: bind and give back: bound to vfio-pci and back to its driver in 0.4 s`,
    ]);
  });

  const broken: Readonly<
    Record<string, readonly [host: () => void, trial: readonly object[], ...expected: string[]]>
  > = {
    "it is not there": [
      () => {
        host.unlink(`sys/bus/pci/devices/${A100}`);
      },
      [good(H100)],
      `failed ${A100}: IOMMU group: missing; ${NODE} claims it`,
      `not tried ${A100}: reset method: the device is missing`,
      `not tried ${A100}: bind and give back: the device is missing`,
    ],
    "it cannot be reset": [
      () => {
        host.write(`sys/bus/pci/devices/${A100}/reset_method`, "\n");
      },
      [good(A100), good(H100)],
      `failed ${A100}: reset method: none: the device keeps its state when a machine ends`,
    ],
    "the kernel is too old to say": [
      () => {
        host.unlink(`sys/bus/pci/devices/${A100}/reset_method`);
      },
      [good(A100), good(H100)],
      `not tried ${A100}: reset method: this kernel does not report it; Linux 5.15 and newer do`,
    ],
    "the host lives on it": [
      () => undefined,
      [{ ...good(A100), problems: ["is in use: /dev/nvme0n1 is mounted on /"], seconds: null }, good(H100)],
      `failed ${A100}: holders: is in use: /dev/nvme0n1 is mounted on /`,
      `not tried ${A100}: bind and give back: this host uses it`,
    ],
    "the kernel itself has it open": [
      () => undefined,
      [{ ...good(A100), held: "nvidia_drm has it open (modeset)", seconds: null }, good(H100)],
      `not tried ${A100}: bind and give back: nvidia_drm has it open (modeset): \`ai-how up\` binds it at the next boot`,
    ],
    "its driver does not let go": [
      () => undefined,
      [{ ...good(A100), seconds: null }, good(H100)],
      `failed ${A100}: bind and give back: its driver did not release it, or did not take it back`,
    ],
  };

  it.each(Object.entries(broken))("says so where %s", async (_name, [change, found, ...expected]) => {
    change();
    const lines = await linesOf(verifyDevices(fakeVerifyContext(host, { play: trials(...found) })));
    for (const line of expected) expect(lines).toContain(line);
  });

  it("does not try what nobody could run", async () => {
    const lines = await linesOf(verifyDevices(fakeVerifyContext(host)));
    expect(lines).toContain(`not tried ${A100}: bind and give back: no such playbook`);
    expect(lines.filter((line) => line.startsWith("passed") && line.includes("bind"))).toEqual([]);
  });
});

describe("verify --after-reboot", () => {
  const started = ["hpc-controller", NODE, OTHER, "cloud-control-plane", "cloud-cpu-worker-01"];

  function booted(): void {
    host.write("proc/uptime", "300.5 1000\n");
    host.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "70000\n");
    host.write("bin/virsh", "#!/bin/sh\necho running\n", 0o755);
    for (const address of [A100, H100]) {
      host.unlink(`sys/bus/pci/devices/${address}/driver`);
      host.link(`sys/bus/pci/devices/${address}/driver`, "sys/bus/pci/drivers/vfio-pci");
    }
  }

  const guests = (sinfo = `${NODE} idle\n${OTHER} mixed\n`): Guest[] =>
    started.map((name) => fakeGuest(name, (line) => (line.startsWith("sinfo") ? sinfo : "")));

  it("passes where devices, pages, machines and SLURM are back", async () => {
    booted();
    const lines = await linesOf(verifyAfterReboot(fakeVerifyContext(host, { guests: guests() })));
    expect(lines.filter((line) => !line.startsWith("passed"))).toEqual([]);
    expect(lines).toContain("passed boot: this host has been up for 5 min");
    expect(lines.at(-1)).toBe(`passed SLURM: ${NODE} idle, ${OTHER} mixed`);
  });

  it("says what is not back", async () => {
    booted();
    host.unlink(`sys/bus/pci/devices/${A100}/driver`);
    host.link(`sys/bus/pci/devices/${A100}/driver`, "sys/bus/pci/drivers/nvidia");
    host.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    host.write(
      "bin/virsh",
      '#!/bin/sh\n[ "$4" = cloud-cpu-worker-01 ] && echo "shut off" || echo running\n',
      0o755,
    );
    const lines = await linesOf(
      verifyAfterReboot(fakeVerifyContext(host, { guests: guests(`${NODE} drained\n`) })),
    );
    expect(lines.filter((line) => line.startsWith("failed"))).toEqual([
      `failed ${A100}: on VFIO: bound to nvidia`,
      "failed huge pages of 2M: 512 are reserved, 69632 are needed",
      "failed cloud-cpu-worker-01: machine: shut off",
      `failed SLURM: ${NODE} drained`,
    ]);
    const alone = await linesOf(verifyAfterReboot(fakeVerifyContext(host)));
    expect(alone).toContain("not tried SLURM: the stack is not up: run `ai-how up`, then verify again");
  });
});
