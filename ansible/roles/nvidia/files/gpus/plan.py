"""The plan of the machine's GPUs: /etc/ai-how/gpu-plan.json, written by role nvidia.

    {"version": 1, "other_gpus_allowed": false, "gpus": [{
      "index": 0, "pci_address": "0000:17:00.0", "model": "A100 80GB", "names": ["a100-80gb"], "memory_gb": 80,
      "minimum_driver": "450.80.02", "gres_type": "a100", "time_slices": null,
      "partitions": [{"profile": "3g.40gb", "id": 9, "start": 4}]
    }]}

Of a GPU only `index` or `pci_address` is required, of a partition `profile` and `start`; null is the same as left out.
"""

import dataclasses
import json
import re

ADDRESS = re.compile(r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.IGNORECASE)
PROFILE = re.compile(r"[1-9]g\.\d+gb(?:[+-][a-z.]+)?")
VERSION = re.compile(r"\d+(?:\.\d+)+")


class PlanError(Exception):
    """The file is not a valid plan; one line per problem."""


@dataclasses.dataclass(frozen=True)
class Partition:
    profile: str
    start: int
    # NVIDIA's number of the profile; None: whatever the driver has under this name.
    id: int | None = None

    def __str__(self):
        return f"{self.profile}@{self.start}"


@dataclasses.dataclass(frozen=True)
class PlannedGpu:
    index: int | None
    pci_address: str | None
    model: str | None
    names: tuple[str, ...]
    memory_gb: int | None
    minimum_driver: str | None
    gres_type: str | None
    # How many jobs may share it at a time; None: one.
    time_slices: int | None
    # In creation order; empty: MIG is off.
    partitions: tuple[Partition, ...]

    def __str__(self):
        return f"GPU at {self.pci_address}" if self.index is None else f"GPU {self.index}"


@dataclasses.dataclass(frozen=True)
class Plan:
    gpus: tuple[PlannedGpu, ...]
    other_gpus_allowed: bool


def short_address(address):
    """`00000000:17:00.0`, as nvidia-smi says it, is the kernel's `0000:17:00.0`."""
    address = address.lower()
    domain, _, rest = address.partition(":") if address.count(":") == 2 else ("0", "", address)
    return f"{int(domain, 16):04x}:{rest}"


def read_plan(path):
    try:
        return parse_plan(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from error
    except PlanError as error:
        raise PlanError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def parse_plan(text):
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise PlanError(f"not JSON: {error}") from error
    reader = Reader()
    plan = reader.plan(raw)
    if reader.problems:
        raise PlanError("\n".join(reader.problems))
    return plan


class Reader:
    """Reads values from JSON and collects every problem with its place."""

    def __init__(self):
        self.problems = []

    def plan(self, raw):
        keys = {"version", "other_gpus_allowed", "gpus"}
        if not self.is_map(raw, "plan", keys):
            return None
        if raw.get("version") != 1:
            self.problems.append(f"version: {raw.get('version')!r} is not 1, the only one that this program knows")
        gpus = tuple(self.gpu(gpu, f"gpus[{i}]") for i, gpu in enumerate(self.list_of(raw, "gpus", "")))
        seen = set()
        for i, gpu in enumerate(gpus):
            identity = gpu and (gpu.pci_address or gpu.index)
            if identity is not None and identity in seen:
                self.problems.append(f"gpus[{i}]: {gpu} is planned twice")
            seen.add(identity)
        return Plan(gpus, self.typed(raw, "other_gpus_allowed", bool, "") or False)

    def gpu(self, raw, place):
        keys = {field.name for field in dataclasses.fields(PlannedGpu)}
        if not self.is_map(raw, place, keys):
            return None
        gpu = PlannedGpu(
            index=self.number(raw, "index", place),
            pci_address=self.matching(raw, "pci_address", ADDRESS, place),
            model=self.typed(raw, "model", str, place),
            names=tuple(name.lower() for name in self.list_of(raw, "names", place) if isinstance(name, str)),
            memory_gb=self.number(raw, "memory_gb", place),
            minimum_driver=self.matching(raw, "minimum_driver", VERSION, place),
            gres_type=self.typed(raw, "gres_type", str, place),
            time_slices=self.number(raw, "time_slices", place),
            partitions=tuple(
                self.partition(partition, f"{place}.partitions[{i}]")
                for i, partition in enumerate(self.list_of(raw, "partitions", place))
            ),
        )
        if gpu.index is None and gpu.pci_address is None:
            self.problems.append(f"{place}: neither index nor pci_address says which GPU it is")
        if gpu.partitions and (gpu.time_slices or 1) > 1:
            self.problems.append(f"{place}: a GPU is shared by partitions or by time_slices, not by both")
        address = gpu.pci_address and short_address(gpu.pci_address)
        return dataclasses.replace(gpu, pci_address=address)

    def partition(self, raw, place):
        if not self.is_map(raw, place, {"profile", "id", "start"}):
            return None
        profile = self.matching(raw, "profile", PROFILE, place)
        start = self.number(raw, "start", place)
        self.problems += [f"{place}.{name}: missing" for name in ("profile", "start") if raw.get(name) is None]
        return Partition(profile, start, self.number(raw, "id", place))

    def is_map(self, raw, place, keys):
        if not isinstance(raw, dict):
            self.problems.append(f"{place}: {raw!r} is not an object")
            return False
        self.problems += [f"{place}.{key}: unknown; there are {', '.join(sorted(keys))}" for key in raw.keys() - keys]
        return True

    def list_of(self, raw, name, place):
        return self.typed(raw, name, list, place) or []

    def typed(self, raw, name, kind, place):
        value = raw.get(name)
        if value is None or isinstance(value, kind):
            return value
        self.problems.append(f"{place}.{name}: {value!r} is not a {kind.__name__}".removeprefix("."))
        return None

    def number(self, raw, name, place):
        value = raw.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        self.problems.append(f"{place}.{name}: {value!r} is not a number from 0 on")
        return None

    def matching(self, raw, name, pattern, place):
        value = self.typed(raw, name, str, place)
        if value is None or pattern.fullmatch(value):
            return value
        self.problems.append(f"{place}.{name}: {value!r} is not of the form {pattern.pattern}")
        return None
