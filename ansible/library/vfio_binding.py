#!/usr/bin/python
"""Binds PCI devices of this host to vfio-pci, so that virtual machines get them whole, and gives them back."""

import re
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_uses import display_uses, held_by_kernel, uses
from ansible.module_utils.pci_host import Host
from ansible.module_utils.vfio_boot import DRIVER, Boot

DOCUMENTATION = r"""
module: vfio_binding
short_description: PCI devices are bound to vfio-pci, also after a reboot
description:
  - The list is all that its owner has; what the owner had before and does not list any more goes back to its driver.
  - Everything is checked before anything is changed, and every problem is told at once. What this host lives on is never taken -
    disks with what lies on them (LVM, LUKS, MD, Btrfs, ZFS, swap, mounts of all namespaces), interfaces that are up, the console.
  - C(driver_override) keeps every other driver away from a device, by its address and not by its model, of which there may be two.
    A script of the initramfs sets it before udev loads the first driver there. A udev rule does so as well, for a
    device that is found later, and for hosts without initramfs-tools. Both leave a device alone that is another one than was
    planned, or in another slot.
  - A device whose driver the kernel itself holds is bound at the next boot, and the module fails with C(reboot_required).
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
  trial:
    description:
      - Each device is bound and given back to its driver at once; nothing is written for the next boot, and the owner's other devices
        stay. What was found is in C(trials), and no problem is a failure.
    type: bool
    default: false
  patience: {description: Seconds that the kernel may take for a step., type: int, default: 30}
  root: {description: Where the file systems begin; another one in tests., type: path, default: /}
"""


def problems_of(host, boot, owner, wanted, allow_display):
    """What is in the way, a line each."""
    claims = boot.claims()
    problems = []
    for address, machines in wanted.items():
        if not host.device(address).exists():
            problems.append(f"{address}: this host has no such PCI device; `ai-how inventory pcie` lists what it has")
            continue
        whose, planned = claims.get(address, (owner, None))
        if whose != owner:
            problems.append(f"{address}: belongs to the stack {whose} already")
        if planned not in (None, host.identity(address)):
            problems.append(
                f"{address}: is another device now, {host.identity(address)}, than was planned, {planned}; give the file the "
                f"address that the device has now, or remove {boot.rules_of(owner)} where this one is meant"
            )
            continue
        if host.is_bridge(address):
            problems.append(f"{address}: is a bridge, which vfio-pci cannot have; list the devices behind it")
            continue
        group = host.group(address)
        if group == "":
            problems.append(
                f"{address}: has no IOMMU group; switch on VT-d or AMD-Vi in the firmware, and on Intel boot with intel_iommu=on"
            )
            continue
        for other in host.members(address):
            if other not in wanted and other not in claims and not host.is_bridge(other):
                problems.append(f"{address}: shares IOMMU group {group} with {other}, which is not listed; list it, too")
        if not allow_display:
            problems += [
                f"{address}: {use}; take another GPU, or allow it to be taken" for use in display_uses(host, address)
            ]
        for user in host.users(group):
            if user not in machines:
                problems.append(f"{address}: is in use by {user}")
        # NVIDIA's driver, for one, lets the kernel wait for ever when a device is taken from it that is in use.
        if host.driver(address) not in ("", DRIVER):
            problems += [f"{address}: {use}" for use in uses(host, address)]
    for address in sorted(address for address, (whose, _) in claims.items() if whose == owner and address not in wanted):
        if host.device(address).exists() and host.driver(address) == DRIVER:
            problems += [
                f"{address}: is in use by {user} and cannot be given back; stop it first"
                for user in host.users(host.group(address))
            ]
    return problems


def try_each(module, host, boot, owner, wanted):
    """What happens to each device when it is bound and given back, the others staying as they are."""
    trials = []
    for address in wanted:
        problems = problems_of(host, boot, owner, wanted, module.params["allow_display"])
        own = [problem.removeprefix(f"{address}: ") for problem in problems if problem.startswith(f"{address}: ")]
        held = "" if own else held_by_kernel(host, address)
        trial = {"address": address, "problems": own, "held": held, "seconds": None}
        trials.append(trial)
        if own or held or host.driver(address) == DRIVER or module.check_mode:
            continue
        began = time.monotonic()
        try:
            rebind(module, host, address, DRIVER)
        except KernelRefused as error:
            trial["refused"] = str(error)
        try:
            rebind(module, host, address, "")
        except KernelRefused as error:
            trial["refused"] = str(error)
        if "refused" not in trial:
            trial["seconds"] = round(time.monotonic() - began, 1)
    return trials


class KernelRefused(Exception):
    """The kernel did not do what it was asked for, or not in time."""


def write(module, path, text):
    """
    Writes to a file of the kernel's, in another process: where a driver waits for ever, that one does, and nothing can end it.
    """
    writer = subprocess.Popen(
        ["/bin/sh", "-c", 'printf "%s\\n" "$1" >"$2"', "write", text, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + module.params["patience"]
    while writer.poll() is None:
        if time.monotonic() > deadline:
            writer.kill()
            raise KernelRefused(
                f"{path}: the kernel has not answered in {module.params['patience']} s; reboot this machine, the binding is "
                "written for its next boot"
            )
        time.sleep(0.02)
    if writer.returncode != 0:
        raise KernelRefused(f"{path}: {writer.stderr.read().decode(errors='replace').strip()}")


def rebind(module, host, address, override):
    """Lets the kernel choose the device's driver anew."""
    device = host.device(address)
    write(module, device / "driver_override", override)
    if host.driver(address) != "":
        write(module, device / "driver" / "unbind", address)
    write(module, host.pci / "drivers_probe", address)
    deadline = time.monotonic() + module.params["patience"]
    while (host.driver(address) == DRIVER) != (override == DRIVER):
        if time.monotonic() > deadline:
            raise KernelRefused(f"{address}: the kernel left it with {host.driver(address) or 'no driver'}; see dmesg")
        time.sleep(0.02)


def modprobe(module, host):
    program = host.root / "usr/sbin/modprobe"
    if program.exists() and not (host.pci / "drivers" / DRIVER).exists():
        module.run_command([str(program), DRIVER], check_rc=True)


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
            "trial": {"type": "bool", "default": False},
            "patience": {"type": "int", "default": 30},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    host = Host(module.params["root"])
    boot = Boot(host)
    owner = module.params["owner"]
    if not re.fullmatch(r"[a-z0-9-]+", owner):
        module.fail_json(msg=f"{owner}: an owner has lower-case letters, digits and dashes only")
    wanted = {device["address"].lower(): device["machines"] for device in module.params["devices"]}
    if module.params["trial"]:
        modprobe(module, host)
        module.exit_json(changed=False, trials=try_each(module, host, boot, owner, wanted))
    problems = problems_of(host, boot, owner, wanted, module.params["allow_display"])
    if problems:
        module.fail_json(msg="\n".join(problems), problems=problems)

    given_back = [
        address
        for address, (whose, planned) in boot.claims().items()
        if whose == owner
        and address not in wanted
        and host.driver(address) == DRIVER
        # A device that has come to the address meanwhile is not ours to give.
        and planned in (None, host.identity(address))
    ]
    to_bind = [address for address in wanted if host.driver(address) != DRIVER]
    held = {address: why for address in to_bind if (why := held_by_kernel(host, address)) != ""}
    now = [address for address in to_bind if address not in held]
    if module.check_mode:
        module.exit_json(changed=bool(given_back or to_bind), bound=now, given_back=given_back, deferred=list(held))

    # First what survives: a run that ends here is finished by the next one.
    changed = boot.write(owner, {address: host.identity(address) for address in wanted})
    changed |= boot.renew_initramfs(lambda command: module.run_command(command, check_rc=True))
    if now:
        modprobe(module, host)
    try:
        for address in now:
            rebind(module, host, address, DRIVER)
        for address in given_back:
            rebind(module, host, address, "")
    except KernelRefused as error:
        module.fail_json(msg=str(error))
    if held:
        lines = [
            f"{address}: its driver {host.driver(address)} cannot let go of it, as {why}; it is bound to {DRIVER} at the next boot: "
            "reboot this machine, then run `ai-how up` again"
            for address, why in held.items()
        ]
        module.fail_json(msg="\n".join(lines), reboot_required=True, deferred=list(held), changed=changed)
    module.exit_json(changed=changed or bool(given_back or to_bind), bound=now, given_back=given_back, deferred=[])


if __name__ == "__main__":
    main()
