#!/usr/bin/python
"""Ansible module: openpgp_key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: openpgp_key
short_description: The fingerprints of the public keys in a file
description:
  - As C(gpg --show-keys) gives them, on machines that have gpgv alone, as apt does.
options:
  path: {description: "ASCII-armoured public keys, of version 4.", type: path, required: true}
"""

EXAMPLES = r"""
- name: The repository's key is known
  openpgp_key:
    path: /etc/apt/keyrings/example.asc
"""

RETURN = r"""
fingerprints: {description: Of each primary key., type: list, elements: str, returned: always}
"""

import base64
import hashlib
import re

from ansible.module_utils.basic import AnsibleModule

PUBLIC_KEY = 6


def dearmoured(text):
    """The packets of all blocks; RFC 4880, section 6.2: headers, an empty line, base64, a checksum line that begins with `=`."""
    blocks = re.findall(
        r"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----", text.replace("\r", ""), re.DOTALL
    )
    bodies = [block.split("\n\n", 1)[1].splitlines() for block in blocks if "\n\n" in block]
    return b"".join(base64.b64decode("".join(line for line in body if not line.startswith("="))) for body in bodies)


def packets(data):
    """(tag, body) of each packet; RFC 4880, section 4.2."""
    place = 0
    while place < len(data):
        first = data[place]
        if first & 0x40:
            tag, size = first & 0x3F, data[place + 1]
            place += 2
            if 192 <= size < 224:
                size = ((size - 192) << 8) + data[place] + 192
                place += 1
            elif size == 255:
                size = int.from_bytes(data[place : place + 4], "big")
                place += 4
        else:
            tag, octets = (first >> 2) & 0x0F, 1 << (first & 3)
            size = int.from_bytes(data[place + 1 : place + 1 + octets], "big")
            place += 1 + octets
        yield tag, data[place : place + size]
        place += size


def fingerprint(body):
    """Of a key of version 4; RFC 4880, section 12.2."""
    if body[0] != 4:
        raise ValueError(f"a key of version {body[0]}")
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()


def main():
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["path"]
    try:
        with open(path, encoding="ascii") as file:
            found = [fingerprint(body) for tag, body in packets(dearmoured(file.read())) if tag == PUBLIC_KEY]
    except (OSError, ValueError, IndexError) as error:
        module.fail_json(msg=f"{path}: {error}")
    module.exit_json(changed=False, fingerprints=found)


if __name__ == "__main__":
    main()
