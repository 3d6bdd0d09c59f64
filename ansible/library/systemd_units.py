#!/usr/bin/python
"""Ansible module: systemd_units."""

from __future__ import annotations

DOCUMENTATION = r"""
module: systemd_units
short_description: Several systemd units are enabled and run with their present configuration, in one call
description:
  - What C(ansible.builtin.systemd_service) does for one unit, for a list, in the order that the units declare.
  - A unit that started before one of its configuration files was last written is restarted. That takes the place of
    a handler, and unlike a handler it is not forgotten when a run dies between writing and restarting.
options:
  units:
    description: The units.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name with its suffix., type: str, required: true}
      config: {description: Files and directories that the unit reads at its start., type: list, elements: path, default: []}
      log: {description: File in which it says why it ended. Default is the journal alone., type: path}
      port: {description: TCP port that it listens at once it works. Default is that nobody knows., type: int, default: 0}
"""

EXAMPLES = r"""
- name: The web server runs
  systemd_units:
    units:
      - {name: nginx.service, config: [/etc/nginx/nginx.conf]}
"""

RETURN = r"""
started: {description: Units that did not run., type: list, elements: str, returned: always}
restarted: {description: Units that ran with an old configuration., type: list, elements: str, returned: always}
enabled: {description: Units that were not enabled., type: list, elements: str, returned: always}
"""

import datetime
import os
import socket
import time

from ansible.module_utils.basic import AnsibleModule

PROPERTIES = ("Id", "LoadState", "ActiveState", "UnitFileState", "InactiveExitTimestamp", "NeedDaemonReload")
# Enough, as a rule, for a daemon that reads its configuration and gives up.
SETTLE_SECONDS = 0.5
# How long one that has a port may take until it listens there or gives up.
LISTEN_SECONDS = 30
# A mount that its own boot-time generator or another unit pulls in has nothing to enable.
ENABLED = ("enabled", "enabled-runtime", "static", "generated", "alias", "indirect")


class Manager:
    """systemctl, as far as it is needed here. Each call costs tenths of a second, so each is for all units at once."""

    def __init__(self, module):
        self.module = module

    def run(self, *arguments):
        command = ["systemctl", "--no-ask-password", *arguments]
        # The C locale, because times are parsed below.
        code, out, error = self.module.run_command(command, environ_update={"LC_ALL": "C"})
        return code, out, error.strip()

    def show(self, names):
        """The properties of each unit, in the order of the names."""
        code, out, error = self.run("show", "--timestamp=us+utc", f"--property={','.join(PROPERTIES)}", "--", *names)
        if code != 0:
            self.module.fail_json(msg=f"systemctl show: {error}")
        blocks = out.strip().split("\n\n")
        return [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]

    def act(self, verb, names=()):
        """Does something with units, in the order that they themselves declare."""
        if self.module.check_mode or (not names and verb != "daemon-reload"):
            return
        code, _out, error = self.run(verb, "--", *names) if names else self.run(verb)
        if code == 0:
            return
        failed = [name for name, state in zip(names, self.show(names)) if state["ActiveState"] != "active"]
        self.fail(f"systemctl {verb} {' '.join(names)}: {error}", failed or names)

    def check_survivors(self, units):
        """Fails where a unit has ended soon after its start: to systemctl a simple service has started as soon as its program runs."""
        if self.module.check_mode or not units:
            return
        begun = time.monotonic()
        while True:
            # First the ports: whoever listens has not given up.
            silent = [unit for unit in units if unit["port"] and not listens(unit["port"])]
            states = self.show([unit["name"] for unit in units])
            failed = [unit for unit, state in zip(units, states) if state["ActiveState"] == "failed"]
            if failed:
                break
            if time.monotonic() - begun > (LISTEN_SECONDS if silent else SETTLE_SECONDS):
                return
            time.sleep(0.1)
        names = [unit["name"] for unit in failed]
        said = [line for unit in failed if unit["log"] for line in last_lines(unit["log"])]
        self.fail("\n".join([f"{', '.join(names)}: ended soon after the start", *said]), names)

    def fail(self, message, names):
        """Ends the module with what systemd says of these units."""
        _code, status, _error = self.run("status", "--no-pager", "--full", "--lines=30", "--", *names)
        self.module.fail_json(msg=message, status=status)


def listens(port):
    """Whether somebody takes connections at a TCP port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def last_lines(path, count=3):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in file.readlines()[-count:]]
    except OSError:
        return []


def changed_since(paths, started):
    """Whether any of the files, or a file in one of the directories, was written after this moment."""
    for path in paths:
        candidates = [path]
        if os.path.isdir(path):
            candidates += [entry.path for entry in os.scandir(path)]
        for candidate in candidates:
            try:
                if os.stat(candidate).st_mtime > started:
                    return True
            except FileNotFoundError:
                continue
    return False


def started_at(state):
    moment = datetime.datetime.strptime(state["InactiveExitTimestamp"], "%a %Y-%m-%d %H:%M:%S.%f UTC")
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def main():
    module = AnsibleModule(
        argument_spec={
            "units": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "config": {"type": "list", "elements": "path", "default": []},
                    "log": {"type": "path"},
                    "port": {"type": "int", "default": 0},
                },
            },
        },
        supports_check_mode=True,
    )
    manager = Manager(module)
    units = module.params["units"]
    names = [unit["name"] for unit in units]
    states = manager.show(names)
    if any(state["NeedDaemonReload"] == "yes" for state in states):
        manager.act("daemon-reload")
        states = manager.show(names)
    missing = [name for name, state in zip(names, states) if state["LoadState"] != "loaded"]
    if missing and not module.check_mode:
        module.fail_json(msg=f"systemd cannot load {', '.join(missing)}")
    todo = {"enable": [], "start": [], "restart": []}
    for unit, state in zip(units, states):
        if state["UnitFileState"] not in ENABLED:
            todo["enable"].append(unit["name"])
        if state["ActiveState"] not in ("active", "activating", "reloading"):
            todo["start"].append(unit["name"])
        elif changed_since(unit["config"], started_at(state)):
            todo["restart"].append(unit["name"])
    for verb, of_these in todo.items():
        manager.act(verb, of_these)
    manager.check_survivors([unit for unit in units if unit["name"] in todo["start"] + todo["restart"]])
    module.exit_json(
        changed=any(todo.values()), enabled=todo["enable"], started=todo["start"], restarted=todo["restart"]
    )


if __name__ == "__main__":
    main()
