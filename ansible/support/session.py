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
    """Called in a child before exec: the child ends with its parent, even if the parent is killed by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def remove_leftovers(directory, prefix):
    """Removes directories that runs killed by SIGKILL left: their names have the id of a process that has ended."""
    for leftover in pathlib.Path(directory).glob(f"{prefix}*"):
        pid = leftover.name.removeprefix(prefix).split("-")[0]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def private_directory():
    """A temporary directory that only this user can read."""
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
    # The shell keeps the agent running until its standard input ends, that is until this process closes it or is killed.
    # die_with_parent does not work here: the kernel resets it for set-group-id programs, and ssh-agent is one. SIGPIPE is
    # ignored because this process may be killed before it reads the newline.
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
    """Whether this ProxyCommand connects to a network namespace of this host."""
    return (proxy_command or "").startswith("nsenter --net=")


def ssh_options(known_hosts, socket=None, local=False):
    """Options for ssh: pinned host keys, no prompts, nothing from the user's own configuration.

    local: the connection does not leave this host.
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
        # OpenSSH's default key exchange resists quantum computers and costs a tenth of a second of processor time per
        # connection. A connection within the host cannot be recorded, so it does not need that.
        options["KexAlgorithms"] = "^curve25519-sha256"
    return [f"-o{name}={value}" for name, value in options.items()]
