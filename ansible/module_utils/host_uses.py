"""What a host itself does with a PCI device. Whatever it lives on must not be taken from it."""

import errno
import os
import re
import stat

STORAGE = "is in use: "


def uses(host, address):
    """Half a sentence for each use of a device by the host."""
    disks = Disks(host)
    below = disks.of(address)
    nodes = host.nodes(address) | {f"/dev/{name}" for name, _ in disks.above(below)}
    for number, command in host.processes(nodes):
        yield f"is in use by {command.split(chr(0))[0] or 'a process'} ({number}); stop it first"
    yield from disks.uses(below)
    yield from network_uses(host, address)
    functions = host.read(host.device(address) / "sriov_numvfs")
    if functions not in ("", "0"):
        yield f"is in use: {functions} virtual functions of it are there; remove them first"


def display_uses(host, address):
    """What the host shows on a GPU; an owner may allow that it is taken all the same."""
    device = host.device(address)
    if "1" in (host.read(device / "boot_vga"), host.read(device / "boot_display")):
        yield "drives this host's display"
    elif (console := console_on(host, address)) != "":
        yield f"has this host's console on {console}"
    else:
        for output in host.below(address, "drm"):
            if any(host.read(path) == "enabled" for path in device.glob(f"drm/*/{output}/enabled")):
                yield f"shows something on {output}"


def console_on(host, address):
    """The framebuffer of a device that the kernel's console is on, `fb0`; empty without one."""
    consoles = (host.root / "sys/class/vtconsole").glob("*")
    is_framebuffer = any(
        host.read(console / "bind") == "1" and "frame buffer" in host.read(console / "name") for console in consoles
    )
    return next(iter(host.below(address, "graphics")), "") if is_framebuffer else ""


def held_by_kernel(host, address):
    """
    Why the kernel itself has a device open, empty where it has not. To unbind the driver then waits for ever, and nothing can end it:
    NVIDIA/open-gpu-kernel-modules#1374, kubevirt/kubevirt#8549.
    """
    module = host.root / "sys/module/nvidia_drm"
    if host.driver(address) == "nvidia" and module.exists():
        settings = [name for name in ("modeset", "fbdev") if host.read(module / "parameters" / name) in ("Y", "1")]
        if settings:
            return f"nvidia_drm has it open ({' and '.join(settings)})"
    console = console_on(host, address)
    return f"the console is on its {console}" if console != "" else ""


def network_uses(host, address):
    for name in host.below(address, "net"):
        if is_up(host, name):
            yield f"is in use: it is the network interface {name}, which is up"
            continue
        above = next((upper for upper in interfaces_above(host, name) if is_up(host, upper)), None)
        if above is not None:
            yield f"is in use: its network interface {name} is part of {above}, which is up"


def is_up(host, name):
    # Some drivers never say whether there is a link: `unknown`.
    return host.read(host.root / "sys/class/net" / name / "operstate") in ("up", "unknown", "dormant")


def interfaces_above(host, name, seen=()):
    """Bonds, bridges and VLANs that an interface is part of, however deep."""
    for link in (host.root / "sys/class/net" / name).glob("upper_*"):
        upper = link.name.removeprefix("upper_")
        if upper not in seen:
            yield upper
            yield from interfaces_above(host, upper, (*seen, name, upper))


class Disks:
    """Block devices, and what lies on them."""

    def __init__(self, host):
        self.host = host
        self.blocks = host.root / "sys/class/block"

    def of(self, address):
        """Disks and partitions of a PCI device."""
        names = set(self.host.below(address, "block"))
        controllers = set(self.host.below(address, "nvme"))
        # With native multipath the disk itself belongs to the subsystem, and not to its controller.
        for subsystem in (self.host.root / "sys/class/nvme-subsystem").glob("*"):
            if any((subsystem / controller).exists() for controller in controllers):
                names.update(path.name for path in subsystem.glob("nvme*n*"))
        disks = {name for name in names if (self.blocks / name).exists() or not self.blocks.exists()}
        return sorted(disks | {part for disk in disks for part in self.partitions(disk)})

    def partitions(self, name):
        return [path.parent.name for path in (self.blocks / name).glob("*/partition")]

    def above(self, names):
        """(device, what it lies on): LVM, LUKS, MD and whatever else holds these block devices, and their partitions."""
        seen, waiting = set(names), list(names)
        while waiting:
            name = waiting.pop()
            for upper in [path.name for path in (self.blocks / name / "holders").glob("*")] + self.partitions(name):
                if upper not in seen:
                    seen.add(upper)
                    waiting.append(upper)
                    yield upper, name

    def uses(self, names):
        lower = dict(self.above(names))
        for name in [*names, *lower]:
            place = f"/dev/{name}" + (f", which lies on /dev/{lower[name]}," if name in lower else "")
            found = list(self.uses_of(name))
            yield from (f"{STORAGE}{place} {use}" for use in found)
            holders = sorted(path.name for path in (self.blocks / name / "holders").glob("*"))
            if holders:
                yield f"{STORAGE}{place} is held by {', '.join(map(self.describe, holders))}"
            elif not found and self.is_claimed(name):
                yield f"{STORAGE}{place} is claimed by something in the kernel"

    def describe(self, name):
        called = self.host.read(self.blocks / name / "dm/name")
        return name if called == "" else f"{name} ({called})"

    def uses_of(self, name):
        host = self.host
        number = host.read(self.blocks / name / "dev")
        paths = {f"/dev/{name}", f"/dev/mapper/{host.read(self.blocks / name / 'dm/name')}"}
        mounts = [mount for mount in host.mounts if mount.number == number or paths & set(mount.source.split(":"))]
        # What the host has mounted itself, every service of a namespace of its own sees as well.
        mounts = [mount for mount in mounts if mount.process == ""] or mounts
        for mount in mounts[:1]:
            yield f"is mounted on {mount.target}" + (f" by {mount.process}" if mount.process else "")
        if any(line.split()[0] in paths for line in host.read(host.proc / "swaps").splitlines()[1:]):
            yield "is swap space"
        # Also disks of a file system on several, of which mountinfo names one.
        if any((host.root / "sys/fs/btrfs").glob(f"*/devices/{name}")) and not mounts:
            yield "is part of a mounted Btrfs"
        pool = self.pool_of(number)
        if pool != "":
            yield f"is part of the ZFS pool {pool}"

    def pool_of(self, number):
        """The imported ZFS pool that a block device is a member of; ZFS leaves no trace of it in /sys."""
        pools = {path.name for path in (self.host.proc / "spl/kstat/zfs").glob("*/")}
        udev = self.host.read(self.host.root / f"run/udev/data/b{number}")
        if not pools or "E:ID_FS_TYPE=zfs_member" not in udev:
            return ""
        label = re.search(r"^E:ID_FS_LABEL=(.+)$", udev, re.MULTILINE)
        if label is None:
            return " or ".join(sorted(pools))
        return label.group(1) if label.group(1) in pools else ""

    def is_claimed(self, name):
        """The kernel's own word: who opens a block device exclusively is refused while something has it."""
        node = self.host.root / "dev" / name
        try:
            if not stat.S_ISBLK(os.stat(node).st_mode):
                return False
            os.close(os.open(node, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError as error:
            return error.errno == errno.EBUSY
        return False
