import { Xml } from "../../../providers/libvirt/xml.ts";
import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";

const INSTALL = "apt-get install libvirt-daemon-system";
// libvirt puts its nftables rules for networks into a table of this name, since 10.4.
const NFT_TABLE = "libvirt_network";

/** The daemon that answers at the stack's URI. */
export async function libvirtd(host: Host, uri: string): Promise<Finding> {
  const said = await host.run("virsh", "--connect", uri, "version");
  if (said.kind === "missing")
    return fail("libvirt", "virsh is missing", "apt-get install libvirt-clients libvirt-daemon-system");
  if (said.exitCode !== 0) {
    const reason = said.output
      .split("\n")
      .map((line) => line.replace(/^error: /, ""))
      .at(-1);
    const refused = /permission denied|authentication/i.test(said.output);
    return fail(
      "libvirt",
      `${uri} does not answer: ${reason ?? ""}`,
      refused
        ? "run as root, or as a member of the group libvirt"
        : `${INSTALL}; systemctl enable --now libvirtd`,
    );
  }
  const version = /Using library: libvirt (\S+)/.exec(said.stdout)?.[1] ?? "";
  const qemu = /Running hypervisor: QEMU (\S+)/.exec(said.stdout)?.[1] ?? "";
  return pass("libvirt", `${uri} answers: libvirt ${version}, QEMU ${qemu}`);
}

/** The daemon that libvirt hands the machines' consoles to. */
export async function virtlogd(host: Host): Promise<Finding> {
  const settings = (await host.text("etc/libvirt/qemu.conf")) ?? "";
  if (/^\s*stdio_handler\s*=\s*"file"/m.test(settings))
    return pass("virtlogd", "not needed: qemu.conf has stdio_handler = file");
  for (const socket of ["run/libvirt/virtlogd-sock", "var/run/libvirt/virtlogd-sock"])
    if (await host.answers(socket)) return pass("virtlogd", "answers");
  return fail(
    "virtlogd",
    "does not answer; without it no machine starts",
    "systemctl enable --now virtlogd.socket",
  );
}

/** QEMU for the guests' architecture. */
export async function emulator(host: Host): Promise<Finding> {
  const [name, packages] =
    process.arch === "arm64"
      ? ["qemu-system-aarch64", "qemu-system-arm"]
      : ["qemu-system-x86_64", "qemu-system-x86"];
  const file = await host.find(name);
  return file === undefined
    ? fail("qemu", `${name} is missing; it is the virtual machine`, `apt-get install ${packages}`)
    : pass("qemu", file);
}

/** Whether a machine that breaks out of QEMU is still kept from the host's files. */
export async function apparmor(host: Host, uri: string): Promise<Finding> {
  const enabled = (await host.text("sys/module/apparmor/parameters/enabled"))?.trim() === "Y";
  const said = await host.run("virsh", "--connect", uri, "capabilities");
  const models =
    said.kind === "said" && said.exitCode === 0
      ? (Xml.parse(said.stdout).child("host")?.children("secmodel") ?? []).map(
          (model) => model.child("model")?.text ?? "",
        )
      : [];
  if (enabled && models.includes("apparmor")) return pass("apparmor", "confines virtual machines");
  if (!enabled) {
    return note(
      "apparmor",
      "the kernel does not have it on; virtual machines are not confined",
      "boot without apparmor=0, and with apparmor among lsm=",
    );
  }
  return note(
    "apparmor",
    "is on, and libvirt does not use it",
    'apt-get install apparmor libvirt-daemon-system, let security_driver in /etc/libvirt/qemu.conf be "apparmor" or unset, and restart libvirtd',
  );
}

/**
 * Docker sets the policy of iptables' FORWARD chain to DROP; what libvirt accepts in a table of its own, nftables then still drops:
 * moby/moby#52612.
 */
export async function dockerBesideLibvirt(host: Host): Promise<Finding[]> {
  const check = "docker beside libvirt";
  if ((await host.find("dockerd")) === undefined && (await host.find("docker")) === undefined) return [];
  const policy = await host.run("iptables", "-S", "FORWARD");
  if (policy.kind === "missing") return [pass(check, "no iptables")];
  if (policy.exitCode !== 0)
    return [note(check, `iptables does not say: ${policy.output.split("\n").at(-1) ?? ""}`, "run as root")];
  if (!/^-P FORWARD DROP$/m.test(policy.stdout)) return [pass(check, "forwarded packets are not dropped")];
  const tables = await host.run("nft", "list", "tables");
  const hasTable = tables.kind === "said" && tables.stdout.includes(NFT_TABLE);
  const backend = /^\s*firewall_backend\s*=\s*"(\w+)"/m.exec(
    (await host.text("etc/libvirt/network.conf")) ?? "",
  )?.[1];
  if (backend === "iptables" || (backend === undefined && !hasTable))
    return [pass(check, "libvirt's rules come before Docker's policy")];
  return [
    fail(
      check,
      "Docker's policy drops what libvirt's nftables rules let through: machines reach nothing outside",
      'let /etc/libvirt/network.conf say firewall_backend = "iptables" and restart libvirtd, or give dockerd "ip-forward-no-drop": true and reboot',
    ),
  ];
}
