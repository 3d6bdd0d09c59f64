#!/usr/bin/python
"""Binds PCI devices of this host to vfio-pci, so that virtual machines get them whole, and gives them back."""

import os
import pathlib
import re
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: vfio_binding
short_description: PCI devices are bound to vfio-pci, also after a reboot
description:
  - The list is all that its owner has; what the owner had before and does not list any more goes back to its driver.
  - Everything is checked before anything is changed, and every problem is told at once.
  - C(driver_override) keeps every other driver away from a device, by its address and not by its model, of which there may be two.
    A script of the initramfs sets it before udev loads the first driver there. A udev rule does so as well, for a
    device that is found later, and for hosts without initramfs-tools.
options:
  owner: {description: "Whose devices; other owners' are left alone.", type: str, required: true}
  devices:
    description: What is to be bound.
    type: list
    elements: dict
    default: []
    suboptions:
      address: {description: "0000:17:00.0", type: str, required: true}
      machines: {description: Names of virtual machines that may be using it., type: list, elements: str, default: []}
  allow_display: {description: Whether the GPU that drives the display may be taken., type: bool, default: false}
  root: {description: Where the file systems begin; another one in tests., type: path, default: /}
"""

DRIVER = "vfio-pci"
PREFIX = "10-ai-how-vfio-"
PATIENCE_SECONDS = 5


class Host:
    """The host's files, below a root."""

    def __init__(self, root):
        root = pathlib.Path(root)
        self.pci = root / "sys/bus/pci"
        self.rules = root / "etc/udev/rules.d"
        self.modules = root / "etc/modules-load.d"
        self.initramfs = root / "etc/initramfs-tools"
        self.proc = root / "proc"
        self.is_real = str(root) == "/"

    def device(self, address):
        return self.pci / "devices" / address

    def read(self, path):
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""

    def driver(self, address):
        link = self.device(address) / "driver"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else ""

    def group(self, address):
        link = self.device(address) / "iommu_group"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else ""

    def members(self, address):
        return sorted(path.name for path in (self.device(address) / "iommu_group" / "devices").iterdir())

    def is_bridge(self, address):
        return self.read(self.device(address) / "class").startswith("0x0604")

    def processes(self, nodes):
        """(number, command line) of each process that has one of these device nodes open."""
        for process in self.proc.glob("[0-9]*"):
            try:
                links = {os.readlink(link) for link in (process / "fd").iterdir()}
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue  # it has ended meanwhile
            if links & nodes:
                yield process.name, command

    def users(self, group):
        """Names of the virtual machines, or numbers of other processes, that have the group open."""
        found = set()
        for number, command in self.processes({f"/dev/vfio/{group}"}):
            guest = re.search(r"guest=([^,\0]+)", command)
            found.add(guest.group(1) if guest else f"process {number}")
        return sorted(found)

    def nodes(self, address):
        """The device nodes through which programs use a device, of the driver that it has now."""
        found = set()
        for directory, _, files in os.walk(self.device(address)):
            if "uevent" in files:
                found.update(re.findall(r"^DEVNAME=(.+)$", self.read(pathlib.Path(directory, "uevent")), re.MULTILINE))
        nvidia = self.read(self.proc / "driver/nvidia/gpus" / address / "information")
        found.update(f"nvidia{minor}" for minor in re.findall(r"^Device Minor:\s*(\d+)", nvidia, re.MULTILINE))
        return {f"/dev/{name.removeprefix('/dev/')}" for name in found}

    def uses(self, address):
        """What this host itself does with a device."""
        nodes = self.nodes(address)
        for number, command in self.processes(nodes):
            yield f"is in use by {command.split(chr(0))[0] or 'a process'} ({number}); stop it first"
        for line in self.read(self.proc / "mounts").splitlines():
            if line.split()[0] in nodes:
                yield f"is in use: {line.split()[0]} is mounted on {line.split()[1]}"
        for interface in (self.device(address) / "net").glob("*"):
            if self.read(interface / "operstate") == "up":
                yield f"is in use: it is the network interface {interface.name}, which is up"

    def claims(self):
        """Address -> owner, of everything that is bound by this module."""
        return {
            address: path.stem.removeprefix(PREFIX)
            for path in self.rules.glob(f"{PREFIX}*.rules")
            for address in re.findall(r'KERNEL=="([0-9a-f:.]+)"', self.read(path))
        }


def problems_of(host, owner, wanted, allow_display):
    """What is in the way, a line each."""
    claims = host.claims()
    problems = []
    for address, machines in wanted.items():
        if not host.device(address).exists():
            problems.append(f"{address}: this host has no such PCI device; `ai-how inventory pcie` lists what it has")
            continue
        if claims.get(address, owner) != owner:
            problems.append(f"{address}: belongs to the stack {claims[address]} already")
        group = host.group(address)
        if group == "":
            problems.append(
                f"{address}: has no IOMMU group; switch on VT-d or AMD-Vi in the firmware, and on Intel boot with intel_iommu=on"
            )
            continue
        for other in host.members(address):
            if other not in wanted and other not in claims and not host.is_bridge(other):
                problems.append(f"{address}: shares IOMMU group {group} with {other}, which is not listed; list it, too")
        if host.read(host.device(address) / "boot_vga") == "1" and not allow_display:
            problems.append(f"{address}: drives this host's display; take another GPU, or allow it to be taken")
        for user in host.users(group):
            if user not in machines:
                problems.append(f"{address}: is in use by {user}")
        # NVIDIA's driver, for one, lets the kernel wait for ever when a device is taken from it that is in use.
        if host.driver(address) not in ("", DRIVER):
            problems += [f"{address}: {use}" for use in host.uses(address)]
    for address in sorted(address for address, whose in claims.items() if whose == owner and address not in wanted):
        if host.device(address).exists():
            problems += [
                f"{address}: is in use by {user} and cannot be given back; stop it first"
                for user in host.users(host.group(address))
            ]
    return problems


def rule(address):
    return f'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="{address}", ATTR{{driver_override}}="{DRIVER}"\n'


def early_script(addresses):
    """Runs in the initramfs. Its name is before `udev`'s, and initramfs-tools keeps that order of scripts that need nothing."""
    override = "/sys/bus/pci/devices/$address/driver_override"
    lines = [
        "#!/bin/sh",
        "# Written by ai-how: these devices are for virtual machines. No driver may take them first.",
        'if [ "$1" = prereqs ]; then exit 0; fi',
        f"for address in {' '.join(addresses)}; do",
        f'  if [ -e "{override}" ]; then echo {DRIVER} >"{override}"; fi',
        "done",
    ]
    return "".join(f"{line}\n" for line in lines)


def write_if_other(path, text, mode=0o644):
    """Whether the file had to be changed; without text it is to be gone."""
    before = path.read_text(encoding="ascii") if path.exists() else ""
    if before == text:
        return False
    if text == "":
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
        path.chmod(mode)
    return True


def rebind(module, host, address, override):
    """Lets the kernel choose the device's driver anew."""
    device = host.device(address)
    (device / "driver_override").write_text(f"{override}\n", encoding="ascii")
    if host.driver(address) != "":
        (device / "driver" / "unbind").write_text(address, encoding="ascii")
    (host.pci / "drivers_probe").write_text(address, encoding="ascii")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (host.driver(address) == DRIVER) != (override == DRIVER):
        if time.monotonic() > deadline:
            module.fail_json(msg=f"{address}: the kernel left it with {host.driver(address) or 'no driver'}; see dmesg")
        time.sleep(0.02)


def main():
    module = AnsibleModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "devices": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "address": {"type": "str", "required": True},
                    "machines": {"type": "list", "elements": "str", "default": []},
                },
            },
            "allow_display": {"type": "bool", "default": False},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    host = Host(module.params["root"])
    owner = module.params["owner"]
    if not re.fullmatch(r"[a-z0-9-]+", owner):
        module.fail_json(msg=f"{owner}: an owner has lower-case letters, digits and dashes only")
    wanted = {device["address"].lower(): device["machines"] for device in module.params["devices"]}
    problems = problems_of(host, owner, wanted, module.params["allow_display"])
    if problems:
        module.fail_json(msg="\n".join(problems), problems=problems)

    given_back = [
        address
        for address, whose in host.claims().items()
        if whose == owner and address not in wanted and host.device(address).exists()
    ]
    to_bind = [address for address in wanted if host.driver(address) != DRIVER]
    rules = "".join(rule(address) for address in sorted(wanted))
    if module.check_mode:
        module.exit_json(changed=bool(given_back or to_bind), bound=to_bind, given_back=given_back)

    # First what survives: a run that ends here is finished by the next one.
    changed = write_if_other(host.rules / f"{PREFIX}{owner}.rules", rules)
    if host.initramfs.exists():
        script = early_script(sorted(wanted)) if wanted else ""
        early = write_if_other(host.initramfs / "scripts/init-top" / f"00-ai-how-vfio-{owner}", script, 0o755)
        if early and host.is_real:
            module.run_command(["update-initramfs", "-u", "-k", "all"], check_rc=True)
        changed |= early
    if wanted:
        changed |= write_if_other(host.modules / "ai-how-vfio.conf", f"{DRIVER}\n")
        if host.is_real and not (host.pci / "drivers" / DRIVER).exists():
            module.run_command(["modprobe", DRIVER], check_rc=True)
    elif not host.claims():
        changed |= write_if_other(host.modules / "ai-how-vfio.conf", "")
    for address in to_bind:
        rebind(module, host, address, DRIVER)
    for address in given_back:
        rebind(module, host, address, "")
    module.exit_json(changed=changed or bool(given_back or to_bind), bound=to_bind, given_back=given_back)


if __name__ == "__main__":
    main()
