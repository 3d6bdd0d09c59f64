import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { aiHowCommand } from "../../support/command.ts";
import { repository } from "../../support/project.ts";
import { describeUnless, hostLacks } from "../../support/where.ts";

const reportSchema = z.object({
  passed: z.boolean(),
  failures: z.array(z.string()),
  findings: z.array(
    z.object({ check: z.string(), level: z.string(), found: z.string(), remedy: z.string().optional() }),
  ),
});

// The real command on this host, in a mount namespace in which one thing is broken.
describeUnless(await hostLacks(), "doctor on a broken host", () => {
  let project = "";

  beforeEach(async () => {
    project = await mkdtemp(join(tmpdir(), "ai-how-doctor-"));
  });
  afterEach(() => rm(project, { recursive: true, force: true }));

  /** Makes a project in which `doctor` finds a stack of each target. */
  async function writeProject(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const part of ["Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.workstation.yaml", "stacks", ".venv"])
      await symlink(join(repository, part), join(folder, part));
  }

  /** Breaks the host by a script, which has the project's folder as $1, and runs `doctor`. */
  async function doctor(stack: string, breakIt: string) {
    await writeProject(join(project, "files"));
    const script = `set -e; ${breakIt}; cd "$1"; exec "$2" doctor "$3" --json`;
    const { exitCode, stdout, stderr } = await execa(
      "unshare",
      [
        "--mount",
        "--propagation=private",
        "sh",
        "-c",
        script,
        "sh",
        join(project, "files"),
        aiHowCommand,
        stack,
      ],
      { reject: false },
    );
    expect(stderr).toBe("");
    return { exitCode, ...reportSchema.parse(JSON.parse(stdout)) };
  }

  it("fails without virsh, and names `make setup`", async () => {
    const { exitCode, failures, findings } = await doctor(
      "dev",
      'mount --bind /dev/null "$(command -v virsh)"',
    );
    expect(exitCode).toBe(1);
    expect(failures).toContain("virsh");
    expect(findings).toContainEqual({
      check: "virsh",
      level: "fail",
      found: "not installed; it controls libvirt",
      remedy: "run `make setup`",
    });
  });

  it("fails on a full disk", async () => {
    await writeProject(join(project, "copy"));
    const fullDisk = 'mount -t tmpfs -o size=16m tmpfs "$1"; cp --archive "$1/../copy/." "$1"';
    const { exitCode, failures, findings } = await doctor("dev", fullDisk);
    expect(exitCode).toBe(1);
    expect(failures).toContain("disk");
    expect(findings).toContainEqual({
      check: "disk",
      level: "fail",
      found: "0 GiB free; image, packages and disks need 6",
      remedy: `delete files on the file system of ${join(project, "files")}`,
    });
  });

  // A /dev with what programs need, and without kvm.
  const devices = ["null", "zero", "random", "urandom", "tty"];
  const withoutKvm = [
    'new="$1/../dev"; mkdir "$new"; mount -t tmpfs tmpfs "$new"; ln -s /proc/self/fd "$new/fd"',
    `for each in ${devices.join(" ")}; do touch "$new/$each"; mount --bind "/dev/$each" "$new/$each"; done`,
    'mount --rbind "$new" /dev',
  ].join("; ");

  it("notes a kernel without KVM, which does not keep the dev stack from coming up", async () => {
    const { failures, findings } = await doctor("dev", withoutKvm);
    expect(failures).not.toContain("kvm");
    expect(findings).toContainEqual({
      check: "kvm",
      level: "note",
      found: "no /dev/kvm: QEMU emulates VMs, about ten times slower",
      remedy: "switch on virtualisation in the firmware, or use `--machines container`",
    });
  });

  it("fails on a workstation without KVM", async () => {
    const { exitCode, findings } = await doctor("workstation", withoutKvm);
    expect(exitCode).toBe(1);
    expect(findings.find(({ check }) => check === "kvm")).toMatchObject({
      level: "fail",
      found: expect.stringMatching(/^no \/dev\/kvm/) as string,
    });
  });

  it("fails without libvirtd and virtlogd on a workstation", async () => {
    const { exitCode, failures, findings } = await doctor("workstation", "mount -t tmpfs tmpfs /run");
    expect(exitCode).toBe(1);
    expect(failures).toEqual(expect.arrayContaining(["libvirt", "virtlogd"]));
    expect(findings.find(({ check }) => check === "libvirt")).toMatchObject({
      found: expect.stringMatching(
        /^qemu:\/\/\/system does not answer: .*No such file or directory/,
      ) as string,
      remedy: "apt-get install libvirt-daemon-system; systemctl enable --now libvirtd",
    });
    expect(findings.find(({ check }) => check === "virtlogd")).toMatchObject({
      remedy: "systemctl enable --now virtlogd.socket",
    });
  });
});
