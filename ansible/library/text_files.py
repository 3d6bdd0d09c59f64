#!/usr/bin/python
"""Ansible module: text_files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: text_files
short_description: Several text files and directories are as described, in one call
description:
  - Under emulation a module call costs seconds on the machine, whatever it does. This one does what
    C(ansible.builtin.file) and C(ansible.builtin.copy) do for a whole list; contents come rendered, for example from
    the C(template) lookup.
  - Files are replaced atomically; check mode and diff mode work.
options:
  directories:
    description: Directories that exist, made in this order before any file.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path., type: path, required: true}
      owner: {description: Name of the owner., type: str, default: root}
      group: {description: Name of the group., type: str, default: root}
      mode: {description: Octal permissions., type: str, default: "0755"}
  files:
    description: Files that exist with this content.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path., type: path, required: true}
      content: {description: The whole text., type: str}
      secret_content: {description: The whole text; never shown in results or differences., type: str}
      owner: {description: Name of the owner., type: str, default: root}
      group: {description: Name of the group., type: str, default: root}
      mode: {description: Octal permissions., type: str, default: "0644"}
  absent:
    description: Files that do not exist.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: The greeting is there
  text_files:
    files:
      - path: /etc/motd
        content: "{{ lookup('ansible.builtin.template', 'motd.j2') }}"
"""

RETURN = r"""
changed_paths:
  description: The paths that were not as described.
  type: list
  elements: str
  returned: always
"""

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule


def settle_attributes(module, entry, changed):
    arguments = module.load_file_common_arguments(
        {name: entry[name] for name in ("path", "owner", "group", "mode")}, entry["path"]
    )
    return module.set_fs_attributes_if_different(arguments, changed)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def settle_directory(module, entry):
    if os.path.isdir(entry["path"]):
        return settle_attributes(module, entry, False)
    if not module.check_mode:
        os.makedirs(entry["path"])
        settle_attributes(module, entry, True)
    return True


def settle_file(module, entry, differences):
    path, secret = entry["path"], entry["secret_content"] is not None
    wanted = (entry["secret_content"] if secret else entry["content"]).encode()
    existing = read(path)
    if existing == wanted:
        return settle_attributes(module, entry, False)
    hidden = "(secret)\n"
    differences.append(
        {
            "before_header": path,
            "after_header": path,
            "before": "" if existing is None else hidden if secret else existing.decode(errors="replace"),
            "after": hidden if secret else wanted.decode(),
        }
    )
    if not module.check_mode:
        # A temporary file of mkstemp's has mode 0600, so a secret is never readable by others, not even for a moment.
        descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
        with os.fdopen(descriptor, "wb") as file:
            file.write(wanted)
            # Its name may reach the disk before its content, and a machine that loses its power then comes back with an empty file.
            file.flush()
            os.fsync(file.fileno())
        settle_attributes(module, {**entry, "path": temporary}, True)
        module.atomic_move(temporary, path, keep_dest_attrs=False)
        settle_attributes(module, entry, True)
    return True


def settle_absent(module, path):
    if not os.path.lexists(path):
        return False
    if not module.check_mode:
        os.unlink(path)
    return True


def main():
    def attributes(mode):
        return {
            "path": {"type": "path", "required": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": mode},
        }

    module = AnsibleModule(
        argument_spec={
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": attributes("0755"),
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    **attributes("0644"),
                    "content": {"type": "str"},
                    "secret_content": {"type": "str", "no_log": True},
                },
                "mutually_exclusive": [("content", "secret_content")],
                "required_one_of": [("content", "secret_content")],
            },
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    changed, differences = [], []
    for entry in module.params["directories"]:
        if settle_directory(module, entry):
            changed.append(entry["path"])
    for entry in module.params["files"]:
        if settle_file(module, entry, differences):
            changed.append(entry["path"])
    for path in module.params["absent"]:
        if settle_absent(module, path):
            changed.append(path)
    module.exit_json(changed=bool(changed), changed_paths=changed, diff=differences)


if __name__ == "__main__":
    main()
