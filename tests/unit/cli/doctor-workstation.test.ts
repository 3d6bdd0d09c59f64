import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Finding } from "../../../cli/doctor/finding.ts";
import { Host } from "../../../cli/doctor/host.ts";
import { diagnoseWorkstation } from "../../../cli/doctor/workstation/index.ts";
import { deriveSite, loadClusterFile } from "../../../config/index.ts";

const GIB = 1024 ** 3;
const GPUS = ["0000:41:00.0", "0000:61:00.0"];
const VERSION = `Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.0
`;

let root = "";
let listening: Server | undefined;

afterEach(() => {
  listening?.close();
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string, mode?: number): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  if (mode !== undefined) chmodSync(file, mode);
  return file;
}

function program(name: string, output = "", exitCode = 0): void {
  const said = write(`said/${name}`, output);
  write(`bin/${name}`, `#!/bin/sh\n/bin/cat ${said}\nexit ${exitCode}\n`, 0o755);
}

function virsh(capabilities: string, exitCode = 0, complaint = ""): void {
  const said = write("said/capabilities", capabilities);
  const version = write("said/version", exitCode === 0 ? VERSION : complaint);
  const file = '[ "$3" = capabilities ]';
  write(
    "bin/virsh",
    `#!/bin/sh\nif ${file}; then cat ${said}; else cat ${version}; fi\nexit ${exitCode}\n`,
    0o755,
  );
}

/** A device in a group of its own, with what else is in that group. */
function device(address: string, group: string, ...others: readonly string[]): void {
  for (const each of [address, ...others]) {
    write(`sys/bus/pci/devices/${each}/class`, "0x030200\n");
    mkdirSync(join(root, "sys/kernel/iommu_groups", group, "devices", each), { recursive: true });
    symlinkSync(
      join(root, "sys/kernel/iommu_groups", group),
      join(root, "sys/bus/pci/devices", each, "iommu_group"),
    );
  }
}

/** A host where stacks/workstation.yaml can be brought up. */
async function wellHost(): Promise<void> {
  root = mkdtempSync(join(tmpdir(), "ai-how-fake-host-"));
  for (const name of ["qemu-img", "ssh-keygen", "mmdebstrap", "qemu-system-x86_64", "qemu-system-aarch64"])
    program(name);
  // The fakes' own shell finds `cat` there.
  symlinkSync("/bin/cat", join(root, "bin/cat"));
  virsh(
    "<capabilities><host><secmodel><model>apparmor</model></secmodel><secmodel><model>dac</model></secmodel></host></capabilities>",
  );
  write("project/.venv/bin/ansible-playbook", "#!/bin/sh\necho ansible-playbook [core 2.18]\n", 0o755);
  write("sys/module/apparmor/parameters/enabled", "Y\n");
  write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx pdpe1gb\n");
  write("proc/cmdline", "root=/dev/sda1 intel_iommu=on\n");
  write("proc/meminfo", "MemTotal:       201326592 kB\n");
  write("proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n");
  write("dev/kvm", "", 0o666);
  write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
  mkdirSync(join(root, "sys/bus/pci/drivers/vfio-pci"), { recursive: true });
  device(GPUS[0] ?? "", "14");
  device(GPUS[1] ?? "", "15");
  write("usr/libexec/virtiofsd", "");
  write(
    "usr/share/qemu/vhost-user/50-virtiofsd.json",
    '{"description": "virtiofsd", "type": "fs", "binary": "/usr/libexec/virtiofsd"}\n',
  );
  mkdirSync(join(root, "srv/datasets"), { recursive: true });
  mkdirSync(join(root, "run/libvirt"), { recursive: true });
  const server = createServer().listen(join(root, "run/libvirt/virtlogd-sock"));
  listening = server;
  await new Promise((done) => server.once("listening", done));
}

interface Options {
  readonly uid?: number;
  readonly freeGib?: number;
  readonly edit?: (file: string) => string;
  readonly uri?: string;
}

async function diagnose({
  uid = 0,
  freeGib = 900,
  edit = (file) => file,
  uri = "qemu:///system",
}: Options = {}): Promise<Finding[]> {
  const example = readFileSync(resolve(import.meta.dirname, "../../../stacks/workstation.yaml"), "utf8");
  // Whether Packer is there is asked of the real host.
  const file = write("cluster.yaml", edit(example.replace(/^ +builder: packer\n/m, "")));
  const host = new Host({
    root,
    path: join(root, "bin"),
    uid,
    freeBytes: () => Promise.resolve(freeGib * GIB),
  });
  const site = deriveSite(loadClusterFile(file).config);
  return diagnoseWorkstation(host, { root: join(root, "project"), site, libvirtUri: uri });
}

function lines(findings: readonly Finding[], level: Finding["level"]): string[] {
  return findings
    .filter((finding) => finding.level === level && finding.check !== "pulumi")
    .map(({ check, found }) => `${check}: ${found}`);
}

const without = (path: string) => () => {
  rmSync(join(root, path), { recursive: true });
};

describe("doctor workstation", () => {
  it("finds nothing on a host where all is well", async () => {
    await wellHost();
    const findings = await diagnose();
    expect(lines(findings, "fail")).toEqual([]);
    expect(lines(findings, "note")).toEqual([]);
    expect(lines(findings, "pass")).toContain("libvirt: qemu:///system answers: libvirt 9.0.0, QEMU 7.2.0");
  });

  const broken: Readonly<Record<string, readonly [change: () => void, expected: string, remedy: string]>> = {
    "libvirtd does not run": [
      () => {
        virsh(
          "",
          1,
          "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n",
        );
      },
      "libvirt: qemu:///system does not answer: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
      "systemctl enable --now libvirtd",
    ],
    "libvirtd is not for everybody": [
      () => {
        virsh(
          "",
          1,
          "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied\n",
        );
      },
      "libvirt: qemu:///system does not answer: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
      "group libvirt",
    ],
    "virtlogd does not run": [
      () => {
        listening?.close();
      },
      "virtlogd: does not answer; no machine starts without it",
      "systemctl enable --now virtlogd.socket",
    ],
    "the emulator is missing": [
      () => {
        rmSync(join(root, `bin/qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"}`));
      },
      `qemu: qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"} is not installed; it runs virtual machines`,
      "apt-get install qemu-system-",
    ],
    "virtualisation is off in the firmware": [
      () => {
        rmSync(join(root, "dev/kvm"));
        write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
      },
      "kvm: no /dev/kvm: the processor has neither the flag vmx nor svm",
      "switch on VT-x or AMD-V in the firmware",
    ],
    "the IOMMU is off": [
      () => {
        rmSync(join(root, "sys/kernel/iommu_groups"), { recursive: true });
        for (const gpu of GPUS) rmSync(join(root, "sys/bus/pci/devices", gpu, "iommu_group"));
        write("proc/cmdline", "root=/dev/sda1\n");
      },
      "iommu: off, but the cluster file claims 2 devices",
      "boot with intel_iommu=on",
    ],
    "the kernel has no vfio-pci": [
      without("sys/bus/pci/drivers/vfio-pci"),
      "vfio: this kernel has no vfio-pci",
      "ordinary kernel",
    ],
    "a GPU is in another slot": [
      without("sys/bus/pci/devices/0000:61:00.0"),
      "device 0000:61:00.0: missing; hpc-compute-02 claims it",
      "inventory pcie",
    ],
    "a GPU shares its group with a disk": [
      () => {
        rmSync(join(root, "sys/bus/pci/devices", GPUS[1] ?? ""), { recursive: true });
        rmSync(join(root, "sys/kernel/iommu_groups/15"), { recursive: true });
        device(GPUS[1] ?? "", "15", "0000:62:00.0");
      },
      "device 0000:61:00.0: shares IOMMU group 15 with 0000:62:00.0",
      "list them under pcie_passthrough",
    ],
    "virtiofsd is missing": [
      () => {
        rmSync(join(root, "usr/libexec/virtiofsd"));
      },
      "virtiofsd: /usr/libexec/virtiofsd is missing; machines need it to mount folders of this host",
      "apt-get install virtiofsd",
    ],
    "a shared folder is missing": [
      without("srv/datasets"),
      "folder /srv/datasets: missing; machines mount it",
      "mkdir -p /srv/datasets",
    ],
    "memory is short": [
      () => {
        write("proc/meminfo", "MemTotal:       67108864 kB\n");
      },
      "memory: 64 GiB; 5 machines need 176, the host 2",
      "auto_start: false",
    ],
    "the kernel has no huge pages": [
      without("sys/kernel/mm/hugepages"),
      "huge pages of 2M: the kernel does not support this size",
      "CONFIG_HUGETLBFS",
    ],
    "Docker drops what libvirt forwards": [
      () => {
        program("docker");
        program("iptables", "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n");
        program(
          "nft",
          "table ip filter\ntable ip nat\ntable ip libvirt_network\ntable ip6 libvirt_network\n",
        );
      },
      "docker beside libvirt: Docker's policy drops the packets of machines: they reach no other network",
      'firewall_backend = "iptables"',
    ],
    "Ansible is missing": [without("project/.venv"), "ansible: .venv has no ansible-playbook", "make setup"],
  };

  it.each(Object.entries(broken))("says what to do where %s", async (_name, [change, expected, remedy]) => {
    await wellHost();
    change();
    const findings = await diagnose();
    expect(lines(findings, "fail")).toContain(expected);
    const [check] = expected.split(": ");
    expect(findings.find((finding) => finding.check === check)?.remedy).toContain(remedy);
  });

  it("wants root where devices are taken, and space for images", async () => {
    await wellHost();
    expect(lines(await diagnose({ uid: 1000, freeGib: 3 }), "fail")).toEqual([
      "user: not root, which binding devices to VFIO needs",
      "disks: 3 GiB free in /var/lib/libvirt/images; 5 disks may grow to 800",
      "images: 3 GiB free in /var/cache/ai-how; building an image needs 6",
    ]);
  });

  it("does not ask for what the file does without", async () => {
    await wellHost();
    for (const path of ["dev/kvm", "sys/kernel/iommu_groups", "usr/share/qemu", "sys/bus/pci"])
      rmSync(join(root, path), { recursive: true });
    const edit = (file: string): string =>
      file
        .replaceAll("mode: kvm", "mode: tcg")
        .replaceAll("acceleration: kvm", "acceleration: tcg")
        .replace(/^ +gpus:\n(?: {10}.*\n)+/gm, "")
        .replace(/^ +virtio_fs_mounts:\n(?: {10}.*\n)+/m, "");
    expect(lines(await diagnose({ edit }), "fail")).toEqual([]);
  });

  it("notes what stops nothing: AppArmor that is off, pages without a mount, Docker that leaves libvirt alone", async () => {
    await wellHost();
    write("sys/module/apparmor/parameters/enabled", "N\n");
    write("proc/mounts", "");
    program("docker");
    program("iptables", "-P FORWARD DROP\n");
    program("nft", "table ip filter\ntable ip nat\n");
    const findings = await diagnose();
    expect(lines(findings, "fail")).toEqual([]);
    expect(lines(findings, "note")).toEqual([
      "apparmor: off in the kernel; virtual machines are not confined",
      "huge pages of 2M: no hugetlbfs of this size is mounted, which libvirt needs",
    ]);
    expect(lines(findings, "pass")).toContain(
      "docker beside libvirt: libvirt's rules come before Docker's policy",
    );
  });

  it("notes a /dev/kvm that root alone may open, unless libvirt runs as root", async () => {
    await wellHost();
    chmodSync(join(root, "dev/kvm"), 0o600);
    const slow =
      "kvm for libvirt: its user may not open /dev/kvm, so libvirt probes QEMU again for each machine, which takes up to minutes";
    expect(lines(await diagnose(), "note")).toEqual([slow]);
    write("etc/group", `root:x:0:\nkvm:x:${statSync(join(root, "dev/kvm")).gid}:libvirt-qemu\n`);
    chmodSync(join(root, "dev/kvm"), 0o660);
    expect(lines(await diagnose(), "note")).toEqual([]);
    chmodSync(join(root, "dev/kvm"), 0o600);
    write("etc/libvirt/qemu.conf", 'user = "root"\n');
    expect(lines(await diagnose(), "note")).toEqual([]);
  });

  it("knows pages of 1 GiB by the name that the kernel gives them, and that `up` mounts them by systemd", async () => {
    await wellHost();
    write("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    const edit = (text: string) => text.replace("hugepage_size: 2M", "hugepage_size: 1G");
    const pages = async () =>
      (await diagnose({ edit })).find(({ check }) => check === "huge pages of 1G")?.level;
    expect(await pages()).toBe("note");
    write("proc/mounts", "hugetlbfs /dev/hugepages1G hugetlbfs rw,relatime,pagesize=1024M 0 0\n");
    expect(await pages()).toBe("pass");
    write("proc/mounts", "");
    mkdirSync(join(root, "run/systemd/system"), { recursive: true });
    expect(await pages()).toBe("pass");
  });

  it("looks at nothing here where libvirt is another machine's", async () => {
    await wellHost();
    program("nc");
    const findings = await diagnose({ uri: "qemu+ssh://big/system" });
    expect(lines(findings, "fail")).toEqual([]);
    expect(lines(findings, "note")).toEqual([
      "libvirt: qemu+ssh://big/system is another machine, which was not checked",
    ]);
  });
});
