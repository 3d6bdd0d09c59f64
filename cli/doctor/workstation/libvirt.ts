import { Xml } from "../../../providers/libvirt/xml.ts";
import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";

const INSTALL = "apt-get install libvirt-daemon-system";
// Since 10.4, libvirt has its nftables rules for networks in this table.
const NFT_TABLE = "libvirt_network";

/** Checks that libvirtd answers at the stack's URI. */
export async function libvirtd(host: Host, uri: string): Promise<Finding> {
  const result = await host.run("virsh", "--connect", uri, "version");
  if (result.kind === "missing")
    return fail("libvirt", "virsh is not installed", "apt-get install libvirt-clients libvirt-daemon-system");
  if (result.exitCode !== 0) {
    const reason = result.output
      .split("\n")
      .map((line) => line.replace(/^error: /, ""))
      .at(-1);
    const refused = /permission denied|authentication/i.test(result.output);
    return fail(
      "libvirt",
      `${uri} does not answer: ${reason ?? ""}`,
      refused
        ? "run as root, or as a member of the group libvirt"
        : `${INSTALL}; systemctl enable --now libvirtd`,
    );
  }
  const version = /Using library: libvirt (\S+)/.exec(result.stdout)?.[1] ?? "";
  const qemu = /Running hypervisor: QEMU (\S+)/.exec(result.stdout)?.[1] ?? "";
  return pass("libvirt", `${uri} answers: libvirt ${version}, QEMU ${qemu}`);
}

/** Checks virtlogd, which writes the consoles of the machines. */
export async function virtlogd(host: Host): Promise<Finding> {
  const settings = (await host.text("etc/libvirt/qemu.conf")) ?? "";
  if (/^\s*stdio_handler\s*=\s*"file"/m.test(settings))
    return pass("virtlogd", "not needed: qemu.conf has stdio_handler = file");
  for (const socket of ["run/libvirt/virtlogd-sock", "var/run/libvirt/virtlogd-sock"])
    if (await host.answers(socket)) return pass("virtlogd", "answers");
  return fail(
    "virtlogd",
    "does not answer; no machine starts without it",
    "systemctl enable --now virtlogd.socket",
  );
}

/** Checks QEMU for the machines' architecture. */
export async function emulator(host: Host): Promise<Finding> {
  const [name, packages] =
    process.arch === "arm64"
      ? ["qemu-system-aarch64", "qemu-system-arm"]
      : ["qemu-system-x86_64", "qemu-system-x86"];
  const file = await host.find(name);
  return file === undefined
    ? fail("qemu", `${name} is not installed; it runs virtual machines`, `apt-get install ${packages}`)
    : pass("qemu", file);
}

/** Checks that AppArmor confines QEMU, so that a guest that breaks out of it cannot read the host's files. */
export async function apparmor(host: Host, uri: string): Promise<Finding> {
  const enabled = (await host.text("sys/module/apparmor/parameters/enabled"))?.trim() === "Y";
  const result = await host.run("virsh", "--connect", uri, "capabilities");
  const models =
    result.kind === "ended" && result.exitCode === 0
      ? (Xml.parse(result.stdout).child("host")?.children("secmodel") ?? []).map(
          (model) => model.child("model")?.text ?? "",
        )
      : [];
  if (enabled && models.includes("apparmor")) return pass("apparmor", "confines virtual machines");
  if (!enabled) {
    return note(
      "apparmor",
      "off in the kernel; virtual machines are not confined",
      "boot without apparmor=0, and with apparmor among lsm=",
    );
  }
  return note(
    "apparmor",
    "on, but libvirt does not use it",
    'apt-get install apparmor libvirt-daemon-system, set security_driver in /etc/libvirt/qemu.conf to "apparmor" or remove it, and restart libvirtd',
  );
}

/**
 * Checks that Docker's firewall does not cut machines off. Docker sets the policy of iptables' FORWARD chain to DROP. A packet that
 * libvirt's own nftables table accepts still meets that policy and is dropped: moby/moby#52612.
 */
export async function dockerBesideLibvirt(host: Host): Promise<Finding[]> {
  const check = "docker beside libvirt";
  if ((await host.find("dockerd")) === undefined && (await host.find("docker")) === undefined) return [];
  const policy = await host.run("iptables", "-S", "FORWARD");
  if (policy.kind === "missing") return [pass(check, "no iptables")];
  if (policy.exitCode !== 0)
    return [note(check, `iptables fails: ${policy.output.split("\n").at(-1) ?? ""}`, "run as root")];
  if (!/^-P FORWARD DROP$/m.test(policy.stdout))
    return [pass(check, "Docker does not drop forwarded packets")];
  const tables = await host.run("nft", "list", "tables");
  const hasTable = tables.kind === "ended" && tables.stdout.includes(NFT_TABLE);
  const backend = /^\s*firewall_backend\s*=\s*"(\w+)"/m.exec(
    (await host.text("etc/libvirt/network.conf")) ?? "",
  )?.[1];
  if (backend === "iptables" || (backend === undefined && !hasTable))
    return [pass(check, "libvirt's rules come before Docker's policy")];
  return [
    fail(
      check,
      "Docker's policy drops the packets of machines: they reach no other network",
      'set firewall_backend = "iptables" in /etc/libvirt/network.conf and restart libvirtd, or "ip-forward-no-drop": true in the daemon.json of Docker and reboot',
    ),
  ];
}
