#!/usr/bin/python
"""Sets huge pages aside for an owner, on top of those of others, and gives them back."""

import pathlib
import re

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: huge_pages
short_description: Huge pages of 2 MiB are set aside, also after a reboot
description:
  - Each owner's number is remembered, and the kernel has the sum of all. What somebody else had set aside before stays.
options:
  owner: {description: Whose pages., type: str, required: true}
  count: {description: How many; 0 gives them back., type: int, required: true}
  root: {description: Where the file systems begin; another one in tests., type: path, default: /}
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "count": {"type": "int", "required": True},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    root = pathlib.Path(module.params["root"])
    owner, count = module.params["owner"], module.params["count"]
    if not re.fullmatch(r"[a-z0-9-]+", owner) or count < 0:
        module.fail_json(msg=f"{owner} wants {count} huge pages: give lower-case letters, digits and dashes, and 0 or more")
    shares = root / "etc/ai-how/huge-pages"
    settings = root / "etc/sysctl.d/60-ai-how-huge-pages.conf"
    kernel = root / "proc/sys/vm/nr_hugepages"
    before = {share.name: int(share.read_text(encoding="ascii")) for share in shares.glob("*")} if shares.exists() else {}
    after = {name: number for name, number in {**before, owner: count}.items() if number > 0}
    if after == before:
        module.exit_json(changed=False, total=sum(after.values()))
    if module.check_mode:
        module.exit_json(changed=True, total=sum(after.values()))

    others = max(0, int(kernel.read_text(encoding="ascii")) - sum(before.values()))
    total = others + sum(after.values())
    kernel.write_text(f"{total}\n", encoding="ascii")
    found = int(kernel.read_text(encoding="ascii"))
    if found < total:
        kernel.write_text(f"{others + sum(before.values())}\n", encoding="ascii")
        module.fail_json(
            msg=f"{count} huge pages of 2 MiB are not to be had, {found - others} are: memory is short or in pieces; "
            "reboot, or make the machines smaller"
        )
    shares.mkdir(parents=True, exist_ok=True)
    if count > 0:
        (shares / owner).write_text(f"{count}\n", encoding="ascii")
    else:
        (shares / owner).unlink(missing_ok=True)
    settings.parent.mkdir(parents=True, exist_ok=True)
    if after:
        settings.write_text(f"vm.nr_hugepages = {total}\n", encoding="ascii")
    else:
        settings.unlink(missing_ok=True)
    module.exit_json(changed=True, total=sum(after.values()))


if __name__ == "__main__":
    main()
