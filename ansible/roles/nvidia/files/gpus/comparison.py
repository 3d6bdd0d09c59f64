"""Differences between the plan and the machine, and both in words."""

import dataclasses
import re

# Tolerance between the memory that a driver reports and the size in the GPU's name: 81559 MiB of 80 GB, 143771 MiB of 141.
MEMORY_TOLERANCE = 0.06


@dataclasses.dataclass(frozen=True)
class Difference:
    """`GPU 0 at 0000:17:00.0: driver: planned 570.86 or newer, found 535.183.01`"""

    where: str
    what: str
    planned: str
    found: str
    # Whether applying the plan removes it.
    mendable: bool = False

    def __str__(self):
        return f"{self.where}: {self.what}: planned {self.planned}, found {self.found}"


def pairs(plan, found):
    """Pairs of a planned GPU and the machine's GPU for it, or None; and the other GPUs."""
    by_address = {gpu.pci_address: gpu for gpu in found.gpus}
    by_index = {gpu.index: gpu for gpu in found.gpus}
    matched = [
        (planned, by_index.get(planned.index) if planned.pci_address is None else by_address.get(planned.pci_address))
        for planned in plan.gpus
    ]
    taken = {gpu.index for _, gpu in matched if gpu is not None}
    return matched, [gpu for gpu in found.gpus if gpu.index not in taken]


def compare(plan, found, dev):
    """All differences; `dev` is the directory of device nodes."""
    matched, others = pairs(plan, found)
    differences = []
    for planned, gpu in matched:
        differences += [absent(planned, found)] if gpu is None else compare_gpu(planned, gpu, found.driver, dev)
    if others and not plan.other_gpus_allowed:
        names = ", ".join(f"{gpu.name} at {gpu.pci_address}" for gpu in others)
        counts = (str(len(plan.gpus)), f"{len(found.gpus)}, in no plan: {names}")
        differences.append(Difference("machine", "GPUs", *counts))
    return differences


def absent(planned, found):
    there = ", ".join(f"{gpu.name} at {gpu.pci_address}" for gpu in found.gpus) or "no GPU"
    return Difference(str(planned), "GPU", describe_model(planned), f"none; there is {there}")


def compare_gpu(planned, gpu, driver, dev):
    differences = []

    def differ(what, planned_, found_, mendable=False):
        differences.append(Difference(str(gpu), what, planned_, found_, mendable))

    if planned.names and not is_called(gpu.name, planned.names):
        differ("model", describe_model(planned), gpu.name)
    elif planned.memory_gb is not None and gpu.memory is not None and not is_size(gpu.memory, planned.memory_gb):
        differ("memory", f"{planned.memory_gb} GB", f"{gpu.memory} MiB ({gpu.name})")
    if planned.minimum_driver is not None and version(driver) < version(planned.minimum_driver):
        differ("driver", f"{planned.minimum_driver} or newer", driver)
    if gpu.recovery is not None:
        differ("state", "usable", f"the driver asks for: {gpu.recovery}")
    if gpu.minor is not None and not (dev / f"nvidia{gpu.minor}").exists():
        differ("device node", str(dev / f"nvidia{gpu.minor}"), "none")
    wanted = bool(planned.partitions)
    if gpu.mig is None and wanted:
        differ("partitions", describe_partitions(planned.partitions), f"a GPU without MIG ({gpu.name})")
    elif (gpu.mig or False, gpu.mig_pending or False) != (wanted, wanted):
        pending = "" if gpu.mig == gpu.mig_pending else f", pending {on(gpu.mig_pending)}"
        differ("MIG mode", on(wanted), on(gpu.mig) + pending, mendable=True)
    if gpu.mig is not None and not same_partitions(planned.partitions, gpu.instances):
        differ("partitions", describe_partitions(planned.partitions), describe_partitions(gpu.instances), mendable=True)
    return differences


def same_partitions(planned, instances):
    return sorted(map(str, planned)) == sorted(map(str, instances))


def is_called(name, names):
    """`NVIDIA A100-SXM4-80GB` is called `a100-sxm4-80gb`, and with more behind a dash `a100-sxm4` as well."""
    normal = re.sub(r"[\s_-]+", "-", name.strip().lower()).removeprefix("nvidia-").removeprefix("geforce-")
    return any(normal == candidate or normal.startswith(f"{candidate}-") for candidate in names)


def is_size(mebibytes, gigabytes):
    return abs(mebibytes / 1024 - gigabytes) <= gigabytes * MEMORY_TOLERANCE


def version(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


def on(mode):
    return "enabled" if mode else "disabled"


def describe_model(planned):
    return planned.model or (planned.names[0] if planned.names else "any GPU")


def describe_partitions(partitions):
    return " ".join(str(partition) for partition in partitions) or "none"


def describe(plan, found):
    """The plan and the machine, one line per GPU."""
    lines = ["planned:"]
    for planned in plan.gpus:
        driver = f"driver {planned.minimum_driver} or newer" if planned.minimum_driver else "any driver"
        address = planned.pci_address or "any address"
        mig = f"MIG {describe_partitions(planned.partitions)}" if planned.partitions else "no MIG"
        number = "-" if planned.index is None else planned.index
        lines.append(f"  {number}  {address}  {describe_model(planned)}  {driver}  {mig}")
    lines.append("found:")
    for gpu in found.gpus:
        mig = f"MIG {describe_partitions(gpu.instances)}" if gpu.mig else "no MIG"
        lines.append(f"  {gpu.index}  {gpu.pci_address}  {gpu.name}  driver {found.driver}  {mig}")
    if not found.gpus:
        lines.append(f"  no GPU, driver {found.driver}")
    return lines
