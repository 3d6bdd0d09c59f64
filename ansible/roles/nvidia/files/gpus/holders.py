"""Users of a GPU that do not compute: daemons that watch it, and the kernel's nvidia_drm.

A change of MIG mode resets an A100 or A30, which fails while one of these has it open: NVIDIA/gpu-operator#118,
NVIDIA/mig-parted#181. So they are stopped during the change.
"""

import contextlib
import shutil
import subprocess

# In the order in which they are stopped.
SERVICES = (
    "nvidia-dcgm-exporter.service",
    "dcgm-exporter.service",
    "nvidia-dcgm.service",
    "dcgm.service",
    "nvsm.service",
    "nvidia-persistenced.service",
)
MODULE = "nvidia_drm"
TIMEOUT = 60


@contextlib.contextmanager
def released(root):
    """Stops all of them and afterwards starts those that ran; yields what was stopped, in words."""
    stopped = []
    loaded = False
    try:
        for unit in SERVICES:
            if run("systemctl", "is-active", "--quiet", unit) == 0:
                stopped.append(unit)
                run("systemctl", "stop", unit)
        if (root / "sys/module" / MODULE).exists():
            # If the console or a program uses it, it stays, and the reset reports that.
            loaded = run("modprobe", "--remove", MODULE) == 0
        yield [*stopped, *([MODULE] if loaded else [])]
    finally:
        if loaded:
            run("modprobe", MODULE)
        for unit in reversed(stopped):
            run("systemctl", "start", unit)


def run(program, *arguments):
    """The exit code; 127 where there is no such program."""
    path = shutil.which(program)
    if path is None:
        return 127
    try:
        return subprocess.run(
            [path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return 124
