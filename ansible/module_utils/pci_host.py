"""PCI devices of a host and who uses them, read from its /sys, /proc and /run."""

import dataclasses
import functools
import os
import pathlib
import re


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a device is and where it is plugged in; another card or another slot has another one."""

    # Below /sys, with each bridge on the way: /devices/pci0000:16/0000:16:01.0/0000:17:00.0
    path: str
    # 0x10de
    vendor: str
    # 0x20b5
    device: str

    def __str__(self):
        return f"{self.vendor.removeprefix('0x')}:{self.device.removeprefix('0x')} at {self.path}"


@dataclasses.dataclass(frozen=True)
class Mount:
    """A mounted file system, as some process of the host sees it."""

    # 259:1
    number: str
    source: str
    target: str
    # Empty for the host itself; else whose mount namespace it is.
    process: str


class Host:
    """The host's files, below a root; another one than / is for tests."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.pci = self.root / "sys/bus/pci"
        self.proc = self.root / "proc"

    def device(self, address):
        return self.pci / "devices" / address

    def read(self, path):
        """A file's text without blanks around it; empty where there is none to read."""
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def driver(self, address):
        return link_name(self.device(address) / "driver")

    def group(self, address):
        return link_name(self.device(address) / "iommu_group")

    def members(self, address):
        return sorted(path.name for path in (self.device(address) / "iommu_group" / "devices").iterdir())

    def is_bridge(self, address):
        return self.read(self.device(address) / "class").startswith("0x0604")

    def identity(self, address):
        device = self.device(address)
        sys = os.path.realpath(self.root / "sys")
        path = os.path.realpath(device).removeprefix(sys)
        return Identity(path, self.read(device / "vendor"), self.read(device / "device"))

    def below(self, address, subsystem):
        """Names of a device's things of a kind, `block`, `net` or `graphics`: partitions and disks behind USB included."""
        found = set()
        for directory, folders, files in os.walk(self.device(address)):
            if "uevent" in files and link_name(pathlib.Path(directory, "subsystem")) == subsystem:
                found.add(os.path.basename(directory))
            # Without a `subsystem` link the folder's name tells.
            if os.path.basename(directory) == subsystem:
                found.update(folders)
        return sorted(found)

    @functools.cached_property
    def mounts(self):
        """All mounted file systems, those in other mount namespaces included."""
        found, seen = [], set()
        for number in sorted(path.name for path in self.proc.glob("[0-9]*")):
            process = self.proc / number
            namespace = link_name(process / "ns/mnt") or number
            if namespace in seen:
                continue
            seen.add(namespace)
            of_host = number == "1" or namespace == link_name(self.proc / "1/ns/mnt")
            for line in self.read(process / "mountinfo").splitlines():
                before, _, after = line.partition(" - ")
                fields, source = before.split(), after.split()[1]
                target = fields[4].replace("\\040", " ")
                found.append(Mount(fields[2], source, target, "" if of_host else f"{self.command(number)} ({number})"))
        return found

    def command(self, number):
        return self.read(self.proc / number / "cmdline").split("\0", maxsplit=1)[0] or "a process"

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


def link_name(link):
    """Last part of what a link points to; empty where there is no link."""
    try:
        return os.path.basename(os.readlink(link))
    except OSError:
        return ""
