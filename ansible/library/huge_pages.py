#!/usr/bin/python
"""Sets huge pages aside for an owner, on top of those of others, and gives them back."""

import pathlib
import re
import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: huge_pages
short_description: Huge pages of 2 MiB and 1 GiB are set aside, also after a reboot
description:
  - Each owner's number is remembered, and the kernel has the sum of all. What somebody else had set aside before stays.
  - Where not all are to be had, none are set aside; nor where the host would be left with less than 4 GiB or a tenth of its memory.
  - For pages of 1 GiB a file system is mounted, without which libvirt does not find them; distributions mount that of 2 MiB only.
options:
  owner: {description: Whose pages., type: str, required: true}
  count_2m: {description: How many of 2 MiB; 0 gives them back., type: int, default: 0}
  count_1g: {description: How many of 1 GiB; 0 gives them back., type: int, default: 0}
  root: {description: Where the file systems begin; another one in tests., type: path, default: /}
"""

NAMES = {2048: "2 MiB", 1048576: "1 GiB"}
GIB = 1048576
# What a host keeps for itself, QEMU's own memory and the page cache: KiB, and part of the whole.
FLOOR = 4 * GIB
FLOOR_PART = 0.1


class Pages:
    """The huge pages of one size on this host."""

    def __init__(self, root, kib):
        self.kib = kib
        self.name = NAMES[kib]
        self.kernel = root / f"sys/kernel/mm/hugepages/hugepages-{kib}kB/nr_hugepages"
        self.shares = root / f"etc/ai-how/huge-pages/{kib}"
        # By systemd-tmpfiles, early in the boot, when memory is in one piece; sysctl knows only the default size.
        self.settings = root / f"etc/tmpfiles.d/60-ai-how-huge-pages-{kib}.conf"
        self.line = f"w /sys/kernel/mm/hugepages/hugepages-{kib}kB/nr_hugepages - - - - "
        # None where this host has no pages of the size.
        self.present = int(self.kernel.read_text(encoding="ascii")) if self.kernel.exists() else None
        self.before = {share.name: int(share.read_text(encoding="ascii")) for share in self.shares.glob("*")}

    def memory(self, after):
        """KiB that the kernel will have set aside, with those of others."""
        others = max(0, (self.present or 0) - sum(self.before.values()))
        return (others + sum(after.values())) * self.kib

    def after(self, owner, count):
        return {name: number for name, number in {**self.before, owner: count}.items() if number > 0}

    def have(self, total):
        """Asks the kernel for as many, and returns how many there are then."""
        self.kernel.write_text(f"{total}\n", encoding="ascii")
        return int(self.kernel.read_text(encoding="ascii"))

    def reserve(self, after):
        """None, or why they are not to be had."""
        if self.present is None:
            return f"this host has no huge pages of {self.name}"
        others = max(0, self.present - sum(self.before.values()))
        wanted = sum(after.values())
        found = self.have(others + wanted)
        if found >= others + wanted:
            return None
        return (
            f"{wanted} huge pages of {self.name} are not to be had, {max(0, found - others)} are: memory is short or in pieces; "
            "reboot, or make the machines smaller"
        )

    def restore(self):
        """The kernel has what it had before."""
        if self.present is not None:
            self.have(self.present)

    def remember(self, owner, after):
        self.shares.mkdir(parents=True, exist_ok=True)
        if owner in after:
            (self.shares / owner).write_text(f"{after[owner]}\n", encoding="ascii")
        else:
            (self.shares / owner).unlink(missing_ok=True)
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        if after:
            total = int(self.kernel.read_text(encoding="ascii"))
            self.settings.write_text(f"{self.line}{total}\n", encoding="ascii")
        else:
            self.settings.unlink(missing_ok=True)


class Mount:
    """The file system by which libvirt finds pages of 1 GiB; it looks when it starts."""

    UNIT = "dev-hugepages1G.mount"
    TEXT = """# Made by ai-how: libvirt finds pages of 1 GiB by it.
[Unit]
Description=Huge pages of 1 GiB
DefaultDependencies=no
Before=sysinit.target
ConditionPathExists=/sys/kernel/mm/hugepages/hugepages-1048576kB

[Mount]
What=hugetlbfs
Where=/dev/hugepages1G
Type=hugetlbfs
Options=pagesize=1G,nosuid,nodev

[Install]
WantedBy=sysinit.target
"""

    def __init__(self, root):
        self.root = root
        self.file = root / "etc/systemd/system" / self.UNIT
        mounts = root / "proc/mounts"
        lines = mounts.read_text(encoding="utf8").splitlines() if mounts.exists() else []
        fields = [line.split() for line in lines]
        # The kernel writes 1024M, whatever it was given.
        self.is_there = any(line[2] == "hugetlbfs" and "pagesize=1024M" in line[3].split(",") for line in fields)

    def systemctl(self, *args):
        command = [str(self.root / "usr/bin/systemctl"), *args]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def make(self):
        """None, or why libvirt will not find the pages."""
        if self.is_there:
            return None
        if not (self.root / "run/systemd/system").exists():
            return (
                "libvirt finds no huge pages of 1 GiB without a file system of theirs, and systemd does not run this host: "
                "`mount -t hugetlbfs -o pagesize=1G hugetlbfs /dev/hugepages1G`, for every boot, and restart libvirtd"
            )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.TEXT, encoding="ascii")
        for args in (("daemon-reload",), ("enable", "--now", self.UNIT)):
            done = self.systemctl(*args)
            if done.returncode != 0:
                self.file.unlink()
                return f"{self.UNIT} does not start: {done.stderr.strip()}"
        # Machines go on meanwhile. Only one of them is there, or none runs.
        for daemon in ("libvirtd.service", "virtqemud.service"):
            self.systemctl("try-restart", daemon)
        return None

    def remove(self):
        """None, or a warning: somebody's machine may still have pages of it."""
        if not self.file.exists():
            return None
        done = self.systemctl("disable", "--now", self.UNIT)
        self.file.unlink()
        self.systemctl("daemon-reload")
        return None if done.returncode == 0 else f"/dev/hugepages1G stays until the next boot: {done.stderr.strip()}"


def too_much(root, changes):
    """None, or why the host would be left with too little memory."""
    total = re.search(r"^MemTotal:\s+(\d+) kB", (root / "proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    memory = int(total.group(1))
    floor = max(FLOOR, int(memory * FLOOR_PART))
    asked = sum(pages.memory(after) for pages, after in changes)
    if memory - asked >= floor:
        return None
    return (
        f"huge pages of {asked / GIB:.1f} GiB would leave this host {max(0, memory - asked) / GIB:.1f} of its {memory / GIB:.1f} GiB, "
        f"and it keeps {floor / GIB:.1f}; make the machines smaller by {(asked + floor - memory) / GIB:.1f} GiB"
    )


def main():
    module = AnsibleModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "count_2m": {"type": "int", "default": 0},
            "count_1g": {"type": "int", "default": 0},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    root = pathlib.Path(module.params["root"])
    owner = module.params["owner"]
    counts = {1048576: module.params["count_1g"], 2048: module.params["count_2m"]}
    if not re.fullmatch(r"[a-z0-9-]+", owner) or min(counts.values()) < 0:
        module.fail_json(msg=f"{owner}: give an owner of lower-case letters, digits and dashes, and 0 pages or more")
    sizes = [(pages, pages.after(owner, count)) for kib, count in counts.items() for pages in [Pages(root, kib)]]
    changes = [(pages, after) for pages, after in sizes if after != pages.before]
    mount = Mount(root)
    wants_mount = any(pages.kib == GIB and after for pages, after in sizes)
    is_changed = bool(changes) or (wants_mount and not mount.is_there)
    if is_changed and not module.check_mode:
        # Giving some back is never too much.
        problem = too_much(root, sizes) if any(sum(after.values()) > sum(p.before.values()) for p, after in changes) else None
        if problem is not None:
            module.fail_json(msg=problem)
        for number, (pages, after) in enumerate(changes, start=1):
            problem = pages.reserve(after)
            if problem is not None:
                for tried, _after in changes[:number]:
                    tried.restore()
                module.fail_json(msg=problem)
        problem = mount.make() if wants_mount else None
        if problem is not None:
            for tried, _after in changes:
                tried.restore()
            module.fail_json(msg=problem)
        for pages, after in changes:
            pages.remember(owner, after)
        warning = None if wants_mount else mount.remove()
        if warning is not None:
            module.warn(warning)
    module.exit_json(changed=is_changed)


if __name__ == "__main__":
    main()
