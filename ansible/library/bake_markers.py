#!/usr/bin/python
"""Ansible module: bake_markers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bake_markers
short_description: What a machine's image brought, as the roles that baked it wrote it down
description:
  - Gives what C(ansible.builtin.setup) with C(gather_subset=local) gives for JSON files. That one unpacks and imports
    every collector of facts first, which under emulation takes as long as starting a service.
options:
  path: {description: Directory of the markers; one that is not there has none., type: path, default: /etc/ai-how}
"""

EXAMPLES = r"""
- name: What the image brought is known
  bake_markers:
"""

RETURN = r"""
ansible_facts:
  description: C(ansible_local), a dictionary of what each file says, by its name without C(.fact).
  type: dict
  returned: always
"""

import json
import pathlib

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "default": "/etc/ai-how"}}, supports_check_mode=True
    )
    markers = {}
    for file in sorted(pathlib.Path(module.params["path"]).glob("*.fact")):
        try:
            markers[file.stem] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            module.fail_json(msg=f"{file}: {error}; remove the file and the role bakes again")
    module.exit_json(changed=False, ansible_facts={"ansible_local": markers})


if __name__ == "__main__":
    main()
