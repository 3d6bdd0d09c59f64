import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { platformOf } from "../../../components/machines/platform.ts";
import { repository } from "../../support/project.ts";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "./stage.ts";

const INSTALLER = join(repository, ".ai-how/cache/arm64-installer");
const PACKAGE = "debian-installer-12-netboot-arm64";

const lacking = unavailable ?? (await lacks("QEMU for arm64"));

/** Puts Debian's installer for arm64, its kernel and its initrd, where a later run finds it. */
async function fetchInstaller(): Promise<void> {
  if (existsSync(INSTALLER)) return;
  const folder = await mkdtemp(join(tmpdir(), "arm64-"));
  try {
    await execa("apt-get", ["download", PACKAGE], { cwd: folder });
    await execa("sh", ["-c", "dpkg-deb --extract *.deb ."], { cwd: folder });
    await mkdir(join(INSTALLER, ".."), { recursive: true });
    const files = join(folder, "usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64");
    await execa("cp", ["-r", files, `${INSTALLER}.new`]);
    await rename(`${INSTALLER}.new`, INSTALLER);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The value of an output that is known already. */
const known = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });

// A real kernel for arm64, made by others, on the emulator that libvirt chooses for what we define.
describeUnless(lacking, "a machine for arm64", () => {
  const stage = new Stage("arm64");
  const kernel = join(INSTALLER, "linux");

  beforeAll(fetchInstaller);

  /** The properties that VMs of an Arm host have, under emulation. */
  async function common(name: string): Promise<{ inputs: Record<string, unknown>; consoleLog: string }> {
    const { arch, machine, cpu } = platformOf({ arch: "aarch64", type: pulumi.output("qemu" as const) });
    const consoleLog = join(String(stage.made.state.consoleDirectory), `${name}-console.log`);
    const platform = { arch, machine: await known(machine), cpu: await known(cpu) };
    return { inputs: { name, type: "qemu", vcpus: 1, memory: 768, consoleLog, ...platform }, consoleLog };
  }
  const console = async (file: string): Promise<string> => readFile(file, "latin1").catch(() => "");

  it("boots the kernel that it is given", async () => {
    const { inputs, consoleLog } = await common("direct");
    const driver = stage.driver("Domain", "direct");
    const boot = { kernel, initrd: join(INSTALLER, "initrd.gz"), cmdline: "console=ttyAMA0 panic=-1" };
    const made = await driver.create({ ...inputs, boot });
    await expect.poll(() => console(consoleLog), { timeout: 150_000 }).toMatch(/Linux version .*-arm64/);
    expect(await driver.drift(made)).toEqual([]);
    await driver.delete(made);
  });

  it("boots from its disk by UEFI", async () => {
    const disk = join(stage.pool, "..", "efi.img");
    // The kernel is a program of UEFI, too.
    const script = `truncate -s 64M "$1" && mkfs.vfat "$1" >/dev/null && mmd -i "$1" ::EFI ::EFI/BOOT && mcopy -i "$1" "$2" ::EFI/BOOT/BOOTAA64.EFI`;
    await execa("sh", ["-ec", script, "sh", disk, kernel]);
    const { inputs, consoleLog } = await common("disk");
    const driver = stage.driver("Domain", "disk");
    const made = await driver.create({
      ...inputs,
      firmware: "uefi",
      disks: [{ volume: disk, format: "raw" }],
    });
    await expect
      .poll(() => console(consoleLog), { timeout: 150_000 })
      .toContain("EFI stub: Booting Linux Kernel");
    expect(await driver.drift(made)).toEqual([]);
    await driver.delete(made);
  });
});
