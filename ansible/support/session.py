"""An SSH session environment of its own: an agent that holds one key in memory, and pinned host keys."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

_PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In a child, before exec: end when the parent ends, even when it was killed with SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def remove_leftovers(directory, prefix):
    """Removes what runs that were killed with SIGKILL left: directories named after a process that is gone."""
    for leftover in pathlib.Path(directory).glob(f"{prefix}*"):
        pid = leftover.name.removeprefix(prefix).split("-")[0]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def private_directory():
    """A directory that only this user can look into, gone afterwards."""
    # Short: a path of a unix socket has at most 107 characters, and Mitogen and ssh put sockets here.
    parent = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    prefix = f"ai-how-{os.getuid()}-"
    remove_leftovers(parent, prefix)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-", dir=parent) as directory:
        yield pathlib.Path(directory)


@contextlib.contextmanager
def agent(directory, private_key):
    """An ssh-agent with this key; yields its socket. The key is never on a disk, in argv or in an environment."""
    socket = directory / "agent"
    # The shell holds the agent until its standard input ends: when we close it, and when we are killed. die_with_parent
    # would not do, because the kernel forgets it for a program with the set-group-id bit, which ssh-agent has. If we are killed
    # before it can say that it is there, saying so must not be the end of it.
    hold = 'trap "" PIPE; echo 2>/dev/null; cat; kill "$SSH_AGENT_PID"'
    process = subprocess.Popen(
        ["ssh-agent", "-a", str(socket), "sh", "-c", hold],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if process.stdout.readline() != b"\n":
            raise SystemExit("ssh-agent did not start")
        added = subprocess.run(
            ["ssh-add", "-q", "-"],
            input=private_key.strip() + "\n",
            env={**os.environ, "SSH_AUTH_SOCK": str(socket)},
            capture_output=True,
            text=True,
            check=False,
        )
        if added.returncode != 0:
            raise SystemExit(f"the SSH key cannot be used: {added.stderr.strip()}")
        yield socket
    finally:
        process.stdin.close()
        process.wait()


def stays_here(proxy_command):
    """Whether this ProxyCommand leads into a network namespace of this host, and not to another host."""
    return (proxy_command or "").startswith("nsenter --net=")


def ssh_options(known_hosts, socket=None, local=False):
    """Options of every ssh of ours: pinned host keys, no prompts, nothing from the user's own configuration.

    Local: nothing of the connection leaves this host.
    """
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "ConnectTimeout": "30",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "LogLevel": "ERROR",
    }
    if socket is not None:
        options["IdentityAgent"] = socket
    if local:
        # OpenSSH's own first choice is to resist quantum computers, for a tenth of a second of processor time a
        # connection. What never leaves the host cannot be recorded for them.
        options["KexAlgorithms"] = "^curve25519-sha256"
    return [f"-o{name}={value}" for name, value in options.items()]
