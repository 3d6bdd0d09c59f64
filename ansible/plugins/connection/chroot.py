"""Ansible connection: the root file system of an image that is being built, through chroot(8)."""

from __future__ import annotations

DOCUMENTATION = """
name: chroot
short_description: Runs modules in a root file system on this machine
description:
  - The host's address is the directory. ansible-core has only C(local) and C(ssh); this is what building an image
    needs and no more.
options:
  remote_addr:
    description: The directory that becomes the root.
    vars:
      - name: inventory_hostname
      - name: ansible_host
"""

import os
import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    """Commands run by chroot(8); files are copied into the directory."""

    transport = "chroot"
    has_pipelining = True

    def _connect(self):
        root = self.get_option("remote_addr")
        if not os.path.isabs(root) or not os.path.exists(os.path.join(root, "usr/bin/python3")):
            raise AnsibleConnectionFailure(f"{root} is not a root file system with Python in it")
        self._root = root
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        # Nothing of this machine's environment may end up in the image.
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        result = subprocess.run(
            ["chroot", self._root, "/bin/sh", "-c", cmd],
            input=to_bytes(in_data) if in_data is not None else b"",
            env=environment,
            capture_output=True,
            check=False,
        )
        return result.returncode, result.stdout, result.stderr

    def _inside(self, path):
        return os.path.join(self._root, path.lstrip("/"))

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, self._inside(out_path))

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        shutil.copyfile(self._inside(in_path), out_path)

    def close(self):
        self._connected = False
