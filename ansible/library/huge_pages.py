#!/usr/bin/python
"""Sets huge pages aside for an owner, on top of those of others, and gives them back."""

import pathlib
import re

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: huge_pages
short_description: Huge pages of 2 MiB and 1 GiB are set aside, also after a reboot
description:
  - Each owner's number is remembered, and the kernel has the sum of all. What somebody else had set aside before stays.
  - Where not all are to be had, none are set aside.
options:
  owner: {description: Whose pages., type: str, required: true}
  count_2m: {description: How many of 2 MiB; 0 gives them back., type: int, default: 0}
  count_1g: {description: How many of 1 GiB; 0 gives them back., type: int, default: 0}
  root: {description: Where the file systems begin; another one in tests., type: path, default: /}
"""

NAMES = {2048: "2 MiB", 1048576: "1 GiB"}


class Pages:
    """The huge pages of one size on this host."""

    def __init__(self, root, kib):
        self.name = NAMES[kib]
        self.kernel = root / f"sys/kernel/mm/hugepages/hugepages-{kib}kB/nr_hugepages"
        self.shares = root / f"etc/ai-how/huge-pages/{kib}"
        # By systemd-tmpfiles, early in the boot, when memory is in one piece; sysctl knows only the default size.
        self.settings = root / f"etc/tmpfiles.d/60-ai-how-huge-pages-{kib}.conf"
        self.line = f"w /sys/kernel/mm/hugepages/hugepages-{kib}kB/nr_hugepages - - - - "
        # None where this host has no pages of the size.
        self.present = int(self.kernel.read_text(encoding="ascii")) if self.kernel.exists() else None
        self.before = {share.name: int(share.read_text(encoding="ascii")) for share in self.shares.glob("*")}

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
    sizes = [(Pages(root, kib), count) for kib, count in counts.items()]
    changes = [(pages, pages.after(owner, count)) for pages, count in sizes if pages.after(owner, count) != pages.before]
    if changes and not module.check_mode:
        for number, (pages, after) in enumerate(changes, start=1):
            problem = pages.reserve(after)
            if problem is not None:
                for tried, _after in changes[:number]:
                    tried.restore()
                module.fail_json(msg=problem)
        for pages, after in changes:
            pages.remember(owner, after)
    module.exit_json(changed=bool(changes))


if __name__ == "__main__":
    main()
