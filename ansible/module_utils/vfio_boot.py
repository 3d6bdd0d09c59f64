"""The files that bind PCI devices to vfio-pci at every boot, each only while it is the device that was planned."""

import os
import re

from ansible.module_utils.pci_host import Identity

DRIVER = "vfio-pci"
PREFIX = "10-ai-how-vfio-"
RULE = re.compile(
    r'KERNEL=="(?P<address>[0-9a-f:.]+)"'
    r'(?:, DEVPATH=="(?P<path>[^"]+)", ATTR\{vendor\}=="(?P<vendor>\w+)", ATTR\{device\}=="(?P<device>\w+)")?'
)
SHELL = "#!/bin/sh\n"
SCRIPT = """\
# Written by ai-how: these devices are for virtual machines. No driver may take them first.
# After a change of the machine another device may have the address; it is left alone.
if [ "$1" = prereqs ]; then exit 0; fi
claim() {
  device=/sys/bus/pci/devices/$1
  [ -e "$device/driver_override" ] && [ "$(readlink -f "$device")" = "$2" ] || return 0
  read -r vendor <"$device/vendor"
  read -r model <"$device/device"
  if [ "$vendor:$model" = "$3" ]; then echo vfio-pci >"$device/driver_override"; fi
}
"""


class Boot:
    """What is bound at boot, of all owners."""

    def __init__(self, host):
        self.host = host
        self.rules = host.root / "etc/udev/rules.d"
        self.modules = host.root / "etc/modules-load.d/ai-how-vfio.conf"
        self.initramfs = host.root / "etc/initramfs-tools"
        # There from before a change of what the initramfs has until it was made anew.
        self.stale = host.root / "var/lib/ai-how/initramfs-is-stale"

    def claims(self):
        """Address -> (owner, Identity or None) of everything that is bound by this."""
        return {
            match["address"]: (
                path.stem.removeprefix(PREFIX),
                Identity(match["path"], match["vendor"], match["device"]) if match["path"] else None,
            )
            for path in self.rules.glob(f"{PREFIX}*.rules")
            for match in RULE.finditer(self.host.read(path))
        }

    def rules_of(self, owner):
        return self.rules / f"{PREFIX}{owner}.rules"

    def write(self, owner, devices):
        """Writes what an owner's devices, address -> Identity, need at boot; whether anything had to be changed."""
        rules = "".join(rule(address, identity) for address, identity in sorted(devices.items()))
        changed = write_if_other(self.rules_of(owner), rules)
        if self.initramfs.exists():
            calls = [
                f"claim {address} /sys{identity.path} {identity.vendor}:{identity.device}\n"
                for address, identity in sorted(devices.items())
            ]
            script = SHELL + SCRIPT + "".join(calls) if devices else ""
            # Before `udev`, which loads drivers: initramfs-tools keeps the order of names where scripts need nothing.
            path = self.initramfs / "scripts/init-top" / f"00-ai-how-vfio-{owner}"
            if text_of(path) != script:
                write_if_other(self.stale, "see /etc/initramfs-tools/scripts/init-top\n")
                changed |= write_if_other(path, script, 0o755)
        if devices:
            changed |= write_if_other(self.modules, f"{DRIVER}\n")
        elif not self.claims():
            changed |= write_if_other(self.modules, "")
        return changed

    def renew_initramfs(self, run):
        """Makes the initramfs anew where it is stale; a failure leaves it so, for the next run."""
        program = self.host.root / "usr/sbin/update-initramfs"
        if not self.stale.exists() or not program.exists():
            return False
        run([str(program), "-u", "-k", "all"])
        self.stale.unlink()
        return True


def rule(address, identity):
    conditions = [
        'ACTION=="add"',
        'SUBSYSTEM=="pci"',
        f'KERNEL=="{address}"',
        f'DEVPATH=="{identity.path}"',
        f'ATTR{{vendor}}=="{identity.vendor}"',
        f'ATTR{{device}}=="{identity.device}"',
        f'ATTR{{driver_override}}="{DRIVER}"',
    ]
    return f"{', '.join(conditions)}\n"


def text_of(path):
    return path.read_text(encoding="ascii") if path.exists() else ""


def write_if_other(path, text, mode=0o644):
    """Whether the file had to be changed; without text it is to be gone. A reader finds all of it or what was there before."""
    if text_of(path) == text:
        return False
    if text == "":
        path.unlink()
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    # Neither udev nor initramfs-tools reads names that begin with a dot.
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="ascii")
    temporary.chmod(mode)
    os.replace(temporary, path)
    return True
