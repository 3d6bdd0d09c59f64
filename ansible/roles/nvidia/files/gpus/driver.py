"""What NVIDIA's driver says and does, through nvidia-smi: its XML where that has what is needed, else its tables.

`nvidia-smi -q -x` has no profile and no placement of a GPU instance, so those are read from `nvidia-smi mig -lgi`.
"""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

from plan import short_address

# Seconds for an answer of nvidia-smi; a change may take five times as long.
TIMEOUT = 15

# From nvidia-smi(1), RETURN VALUE.
NOT_FOUND = 6
MEANINGS = {
    2: "a supplied argument or flag is invalid",
    3: "the requested operation is not available on the GPU",
    4: "only root may do this",
    8: "a GPU's external power cables are not properly attached",
    9: "NVIDIA's driver is not loaded",
    10: "the kernel detected an interrupt issue with a GPU",
    12: "NVML's shared library could not be found or loaded",
    13: "the local version of NVML does not implement this",
    14: "a GPU's infoROM is corrupted",
    15: "a GPU has fallen off the bus or has otherwise become inaccessible",
}

MODES = {"Enabled": True, "Disabled": False}

# | GPU  Name  Profile ID  Instance ID  Start:Size |
INSTANCE = re.compile(r"\|\s+(\d+)\s+MIG (\S+)\s+(\d+)\s+(\d+)\s+(\d+):(\d+)\s*\|")
# | GPU  GPU instance ID  Name  Profile ID  Instance ID  Start:Size |; drivers before R470 end before the last.
COMPUTE = re.compile(r"\|\s+(\d+)\s+(\d+)\s+MIG (\S+)\s+\d+\s+(\d+)\s+(?:\d+:\d+\s*)?\|")
# | GPU  Name  ID  Free/Total ... |
PROFILE = re.compile(r"\|\s+(\d+)\s+MIG (\S+)\s+(\d+)\s+\d+/\d+\s.*\|")


class DriverError(Exception):
    """The driver could not say or do something; one line."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """A GPU instance."""

    profile: str
    profile_id: int
    id: int
    start: int
    # (number, name) of each compute instance in it. Jobs can use the partition if there is one that spans all of it.
    compute: tuple[tuple[int, str], ...]

    def __str__(self):
        usable = len(self.compute) == 1 and not re.match(r"\d+c\.", self.compute[0][1])
        parts = " ".join(name for _, name in self.compute) or "none"
        return f"{self.profile}@{self.start}" + ("" if usable else f" (compute instances: {parts})")


@dataclasses.dataclass(frozen=True)
class Gpu:
    index: int
    pci_address: str
    name: str
    # MiB; None where the GPU has no memory of its own.
    memory: int | None
    minor: int | None
    # None: the GPU has no MIG.
    mig: bool | None
    mig_pending: bool | None
    # The action that the driver needs before the GPU can be used; None: none.
    recovery: str | None
    # `python3 (4711)`
    clients: tuple[str, ...]
    instances: tuple[Instance, ...]

    def __str__(self):
        return f"GPU {self.index} at {self.pci_address}"


@dataclasses.dataclass(frozen=True)
class Found:
    driver: str
    # In the order of their indexes.
    gpus: tuple[Gpu, ...]


def read():
    """The machine's GPUs as they are."""
    _, text = nvidia_smi("-q", "-x")
    complaints, _, document = text.partition("<?xml")
    try:
        root = ElementTree.fromstring("<?xml" + document)
    except ElementTree.ParseError as error:
        raise DriverError(f"nvidia-smi -q -x: not XML ({error}): {first_line(text)}") from error
    gpus = [parse_gpu(index, element) for index, element in enumerate(root.iter("gpu"))]
    counted = number(root.findtext("attached_gpus"))
    if counted is not None and counted != len(gpus):
        said = first_line(complaints) or "see the kernel's log for Xid"
        raise DriverError(f"the driver counts {counted} GPUs and shows {len(gpus)}: one is lost; {said}")
    if any(gpu.mig for gpu in gpus):
        gpus = with_instances(gpus)
    return Found(root.findtext("driver_version", "unknown").strip(), tuple(gpus))


def parse_gpu(index, element):
    def text(path):
        value = (element.findtext(path) or "").strip()
        return None if value in ("", "N/A", "[N/A]") else value

    recovery = text("gpu_recovery_action")
    if recovery in (None, "None"):
        recovery = "Reset" if text("gpu_reset_status/reset_required") == "Yes" else None
    return Gpu(
        index=index,
        pci_address=short_address(element.get("id", "")),
        name=text("product_name") or "unknown",
        memory=number(text("fb_memory_usage/total")),
        minor=number(text("minor_number")),
        mig=MODES.get(text("mig_mode/current_mig")),
        mig_pending=MODES.get(text("mig_mode/pending_mig")),
        recovery=recovery,
        clients=tuple(
            f"{process.findtext('process_name', '?').strip()} ({process.findtext('pid', '?').strip()})"
            for process in element.iterfind("processes/process_info")
        ),
        instances=(),
    )


def with_instances(gpus):
    compute = {}
    for gpu, instance, name, number_ in rows("-lci", COMPUTE):
        compute.setdefault((int(gpu), int(instance)), []).append((int(number_), name))
    instances = {}
    for gpu, profile, profile_id, number_, start, _size in rows("-lgi", INSTANCE):
        parts = tuple(sorted(compute.get((int(gpu), int(number_)), ())))
        instance = Instance(profile, int(profile_id), int(number_), int(start), parts)
        instances.setdefault(int(gpu), []).append(instance)
    return [
        dataclasses.replace(gpu, instances=tuple(sorted(instances.get(gpu.index, ()), key=lambda found: found.start)))
        for gpu in gpus
    ]


def profiles(gpu):
    """The driver's number of each profile that it has for a GPU, by name."""
    return {name: int(id_) for _, name, id_ in rows("-lgip", PROFILE, gpu)}


def rows(listing, pattern, gpu=None):
    """The lines of a table of `nvidia-smi mig`; an unknown line is an error, because it may be an instance."""
    arguments = ["mig", listing] + ([] if gpu is None else ["-i", gpu.pci_address])
    code, text = nvidia_smi(*arguments, accept=(0, NOT_FOUND))
    found = []
    for line in text.splitlines() if code == 0 else ():
        match = pattern.fullmatch(line.strip())
        if match:
            found.append(match.groups())
        elif re.match(r"\|\s+\d+\s+.*\bMIG ", line):
            raise DriverError(f"nvidia-smi {' '.join(arguments)}: cannot read the line {line.strip()!r}")
    return found


def set_mig(gpu, wanted):
    change("-i", gpu.pci_address, "-mig", "1" if wanted else "0")


def with_mig_mode(gpu):
    """The GPU with the MIG mode that it has now."""
    query = "--query-gpu=mig.mode.current,mig.mode.pending"
    _, text = nvidia_smi("-i", gpu.pci_address, query, "--format=csv,noheader")
    current, _, pending = first_line(text).partition(", ")
    return dataclasses.replace(gpu, mig=MODES.get(current), mig_pending=MODES.get(pending))


def reset(gpu):
    change("--gpu-reset", "-i", gpu.pci_address)


def destroy_instances(gpu):
    if any(instance.compute for instance in gpu.instances):
        change("mig", "-i", gpu.pci_address, "-dci")
    if gpu.instances:
        change("mig", "-i", gpu.pci_address, "-dgi")


def create_instances(gpu, placements):
    """Creates instances with their default compute instances, each `profile id:start`, in this order."""
    change("mig", "-i", gpu.pci_address, "-cgi", ",".join(placements), "-C")


def change(*arguments):
    nvidia_smi(*arguments, timeout=5 * TIMEOUT)


def nvidia_smi(*arguments, accept=(0,), timeout=None):
    """Runs nvidia-smi and returns its exit code and output."""
    timeout = timeout or TIMEOUT
    program = shutil.which("nvidia-smi")
    said = f"nvidia-smi {' '.join(arguments)}"
    if program is None:
        raise DriverError("nvidia-smi is not there: NVIDIA's driver is not installed")
    process = subprocess.Popen(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # No wait: a process that hangs in the driver does not end even when killed.
        os.killpg(process.pid, signal.SIGKILL)
        raise DriverError(
            f"{said}: no answer after {timeout} s; the driver or a GPU hangs, see the kernel's log"
        ) from None
    if process.returncode not in accept:
        meaning = MEANINGS.get(process.returncode, "an error of the driver")
        raise DriverError(f"{said}: exit code {process.returncode}, {meaning}: {complaint(text) or 'nothing said'}")
    return process.returncode, text


def first_line(text):
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def complaint(text):
    """The error, after the output of earlier steps."""
    return first_line("\n".join(line for line in text.splitlines() if not line.startswith("Successfully ")))


def number(text):
    """The number at the start of `81920 MiB`; None where there is none."""
    match = re.match(r"\d+", (text or "").strip())
    return int(match[0]) if match else None
