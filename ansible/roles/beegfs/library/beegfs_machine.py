#!/usr/bin/python
"""Ansible module: beegfs_machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: beegfs_machine
short_description: What decides whether BeeGFS's client module can be built on a machine, and what it has of BeeGFS
description:
  - Changes nothing but package lists, which are fetched where the headers of the running kernel are not installed.
options:
  client: {description: Whether it is to have the module., type: bool, default: true}
"""

EXAMPLES = r"""
- name: The machine's kernel is known
  beegfs_machine:
  register: beegfs_machine
"""

RETURN = r"""
kernel: {description: The kernel that runs., type: str, returned: always}
codename: {description: "What its distribution calls the release, C(bookworm).", type: str, returned: always}
kernel_version: {description: Its first two numbers., type: str, returned: always}
headers: {description: "Its headers are C(installed), C(available) in the package sources, or C(missing); empty for no client.", type: str, returned: always}
other_headers: {description: "Packages of headers of its kind that the package sources have.", type: list, elements: str, returned: always}
infiniband: {description: Whether it has the RDMA that the module can use., type: bool, returned: always}
dkms: {description: Whether DKMS is installed., type: bool, returned: always}
openssl: {description: Whether OpenSSL's program is installed., type: bool, returned: always}
packages: {description: "BeeGFS's packages that are installed, and their versions.", type: dict, returned: always}
"""

import glob
import os
import re

from ansible.module_utils.basic import AnsibleModule


# A machine without a way to its package sources has to say so soon.
QUICKLY = [f"--option={name}" for name in ("DPkg::Lock::Timeout=300", "Acquire::Retries=0", "Acquire::http::Timeout=10")]


class Machine:
    """What is looked at, through the machine's own tools."""

    def __init__(self, module):
        self.module = module
        self.kernel = os.uname().release

    def run(self, *command):
        code, out, _error = self.module.run_command(list(command), environ_update={"LC_ALL": "C"})
        return out if code == 0 else ""

    def headers(self):
        if os.path.exists(f"/lib/modules/{self.kernel}/build/Makefile"):
            return "installed", []
        name = f"linux-headers-{self.kernel}"
        self.run("apt-get", "update", "--quiet", *QUICKLY)
        # Where it is installed and what it brings is not there, to install it again changes nothing.
        if re.search(r"Installed: \(none\)\s+Candidate: [^(\s]", self.run("apt-cache", "policy", name)):
            return "available", []
        # `cloud-amd64` of 6.1.0-50-cloud-amd64, `generic` of 6.8.0-31-generic.
        flavour = re.sub(r"^[0-9.]+(-[0-9]+)?-?", "", self.kernel)
        found = self.run("apt-cache", "search", "--names-only", rf"^linux-headers-[0-9].*{re.escape(flavour)}$")
        return "missing", sorted(line.split()[0] for line in found.splitlines())

    def codename(self):
        with open("/etc/os-release", encoding="utf-8") as file:
            found = re.search(r'^VERSION_CODENAME="?([^"\n]+)', file.read(), re.MULTILINE)
        return found.group(1) if found else ""

    def infiniband(self):
        for path in (f"/boot/config-{self.kernel}", f"/lib/modules/{self.kernel}/build/.config"):
            try:
                with open(path, encoding="utf-8") as file:
                    return re.search(r"^CONFIG_INFINIBAND_ADDR_TRANS=y", file.read(), re.MULTILINE) is not None
            except OSError:
                continue
        return bool(glob.glob(f"/lib/modules/{self.kernel}/kernel/drivers/infiniband/core/rdma_cm.ko*"))

    def packages(self):
        lines = self.run(
            "dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n", "*beegfs*"
        ).splitlines()
        entries = [line.split() for line in lines]
        return {entry[1]: entry[2] for entry in entries if len(entry) == 3 and entry[0] == "installed"}


def main():
    module = AnsibleModule(argument_spec={"client": {"type": "bool", "default": True}}, supports_check_mode=True)
    machine = Machine(module)
    headers, others = machine.headers() if module.params["client"] else ("", [])
    module.exit_json(
        changed=False,
        kernel=machine.kernel,
        codename=machine.codename(),
        kernel_version=".".join(re.findall(r"[0-9]+", machine.kernel)[:2]),
        headers=headers,
        other_headers=others,
        infiniband=machine.infiniband(),
        packages=machine.packages(),
        dkms=os.path.exists("/usr/sbin/dkms"),
        openssl=os.path.exists("/usr/bin/openssl"),
    )


if __name__ == "__main__":
    main()
