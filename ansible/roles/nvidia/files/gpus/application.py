"""Applies the plan to the machine's GPUs and changes only those that differ."""

import dataclasses

import comparison
import driver
import holders


class Refused(Exception):
    """The plan cannot be applied now; one line per reason."""


class RebootNeeded(Refused):
    """The change needs a reboot of this machine."""


def apply(plan, found, root):
    """Changes GPUs and yields one line per change; changes nothing unless all differences can be removed."""
    differences = comparison.compare(plan, found, root / "dev")
    if any(not difference.mendable for difference in differences):
        return
    matched, _ = comparison.pairs(plan, found)
    todo = [(planned, gpu) for planned, gpu in matched if any(d.where == str(gpu) for d in differences)]
    refuse_clients(gpu for _, gpu in todo)
    for planned, gpu in todo:
        yield from apply_gpu(planned, gpu, root)


def refuse_clients(gpus):
    busy = [f"{gpu} is in use by {', '.join(gpu.clients)}: nothing was changed" for gpu in gpus if gpu.clients]
    if busy:
        raise Refused("\n".join(busy))


def apply_gpu(planned, gpu, root):
    if gpu.instances and not comparison.same_partitions(planned.partitions, gpu.instances):
        if planned.partitions:
            placements(planned, gpu)  # refuses before anything is destroyed
        driver.destroy_instances(gpu)
        yield f"{gpu}: destroyed {comparison.describe_partitions(gpu.instances)}"
        gpu = dataclasses.replace(gpu, instances=())
    wanted = bool(planned.partitions)
    if (gpu.mig, gpu.mig_pending) != (wanted, wanted):
        yield from switch(gpu, wanted, root)
        yield f"{gpu}: MIG mode {comparison.on(wanted)}"
    if wanted and not gpu.instances:
        driver.create_instances(gpu, placements(planned, gpu))
        yield f"{gpu}: created {comparison.describe_partitions(planned.partitions)}"


def placements(planned, gpu):
    """`id:start` of each partition in creation order. The driver has to know each profile, under the planned number."""
    known = driver.profiles(gpu)
    if not known:
        raise Refused(f"{gpu}: the driver lists no profiles of partitions")
    problems = []
    for name, id_ in dict.fromkeys((partition.profile, partition.id) for partition in planned.partitions):
        if name not in known:
            problems.append(
                f"{gpu}: planned profile {name}, which this driver does not have; it has {', '.join(known)}"
            )
        elif id_ is not None and known[name] != id_:
            problems.append(f"{gpu}: planned profile {name} as number {id_}, this driver has it as {known[name]}")
    if problems:
        raise Refused("\n".join(problems))
    return [f"{known[partition.profile]}:{partition.start}" for partition in planned.partitions]


def switch(gpu, wanted, root):
    """
    Switches MIG on or off. Ampere needs a reset of the GPU for it, which the driver does by itself where nothing has the GPU open;
    where a hypervisor does not let it, only a reboot helps (MIG user guide, "Enable MIG Mode").
    """
    if gpu.mig_pending != wanted:
        driver.set_mig(gpu, wanted)
        gpu = driver.with_mig_mode(gpu)
    if gpu.mig == wanted:
        return
    reason = ""
    with holders.released(root) as stopped:
        if stopped:
            yield f"{gpu}: stopped for the reset: {', '.join(stopped)}"
        try:
            driver.reset(gpu)
        except driver.DriverError as error:
            reason = f" ({error})"
        if driver.with_mig_mode(gpu).mig != wanted:
            # Some drivers reset it only at the second request for the mode.
            driver.set_mig(gpu, wanted)
    if driver.with_mig_mode(gpu).mig != wanted:
        raise RebootNeeded(
            f"{gpu}: MIG mode will be {comparison.on(wanted)} after a reset that the driver cannot do now{reason}: "
            "stop what uses the GPU (DCGM, other monitors), or reboot this machine"
        )
