"""The lines of SLURM's gres.conf for the GPUs that are there.

AutoDetect=nvml would find them, but Debian's slurmd has no NVML plugin that can be installed beside it, and what is
explicit can be checked. A partition is three device nodes, as in SLURM's own gpu/nvml plugin: the GPU and the capabilities
of GPU instance and compute instance.
"""

import os
import re
import stat

import comparison
from driver import DriverError


def lines(plan, found, dev, proc):
    """Lines without NodeName, in the order of the plan, which is that of the node's `Gres=`."""
    matched, _ = comparison.pairs(plan, found)
    result = []
    shards = []
    for planned, gpu in matched:
        minor = gpu.index if gpu.minor is None else gpu.minor
        device = f"{dev}/nvidia{minor}"
        if not planned.partitions:
            kind = f" Type={planned.gres_type}" if planned.gres_type else ""
            result.append(f"Name=gpu{kind} File={device}")
            if (planned.time_slices or 1) > 1:
                shards.append(f"Name=shard Count={planned.time_slices} File={device}")
        by_start = {instance.start: instance for instance in gpu.instances}
        for partition in planned.partitions:
            instance = by_start[partition.start]
            directory = proc / "driver/nvidia/capabilities" / f"gpu{minor}" / "mig" / f"gi{instance.id}"
            [(compute, _name)] = instance.compute
            files = [device, *(capability(path, dev, proc) for path in (directory, directory / f"ci{compute}"))]
            result.append(f"Name=gpu Type={partition.profile} MultipleFiles={','.join(files)}")
    return result + shards


def capability(directory, dev, proc):
    """
    The device node that gives access, which is made where it is missing: slurmd does not start without one that it was told of. See
    "Device Nodes and Capabilities" in NVIDIA's MIG user guide.
    """
    try:
        text = (directory / "access").read_text(encoding="ascii")
    except OSError as error:
        raise DriverError(f"{directory}/access: {error.strerror}") from error
    minor = field(text, "DeviceFileMinor")
    if minor is None:
        raise DriverError(f"{directory}/access: no DeviceFileMinor")
    node = dev / f"nvidia-caps/nvidia-cap{minor}"
    if not node.exists():
        make_node(node, proc, minor, field(text, "DeviceFileMode") or 0o444)
    return str(node)


def make_node(node, proc, minor, mode):
    try:
        devices = (proc / "devices").read_text(encoding="ascii")
        match = re.search(r"^\s*(\d+) nvidia-caps$", devices, re.MULTILINE)
        if match is None:
            raise DriverError(f"{node}: is missing, and {proc}/devices has no nvidia-caps")
        node.parent.mkdir(mode=0o755, exist_ok=True)
        os.mknod(node, stat.S_IFCHR | mode, os.makedev(int(match[1]), minor))
        node.chmod(mode)
    except OSError as error:
        raise DriverError(f"{node}: is missing and cannot be made: {error.strerror}") from error


def field(text, name):
    match = re.search(rf"^{name}: (\d+)$", text, re.MULTILINE)
    return None if match is None else int(match[1])
