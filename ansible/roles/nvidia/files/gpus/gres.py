"""The lines of SLURM's gres.conf for the GPUs that are there.

AutoDetect=nvml would find them, but Debian's slurmd has no NVML plugin that can be installed beside it, and what is
explicit can be checked. A partition is three device nodes, as in SLURM's own gpu/nvml plugin: the GPU and the capabilities
of GPU instance and compute instance.
"""

import re

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
            files = [device, capability(directory, dev), capability(directory / f"ci{compute}", dev)]
            result.append(f"Name=gpu Type={partition.profile} MultipleFiles={','.join(files)}")
    return result + shards


def capability(directory, dev):
    """The device node that gives access; see "Device Nodes and Capabilities" in NVIDIA's MIG user guide."""
    try:
        text = (directory / "access").read_text(encoding="ascii")
    except OSError as error:
        raise DriverError(f"{directory}/access: {error.strerror}") from error
    match = re.search(r"^DeviceFileMinor: (\d+)$", text, re.MULTILINE)
    if match is None:
        raise DriverError(f"{directory}/access: no DeviceFileMinor")
    return f"{dev}/nvidia-caps/nvidia-cap{match[1]}"
