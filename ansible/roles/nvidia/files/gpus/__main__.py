"""ai-how-gpus: applies the plan of the machine's NVIDIA GPUs, and verifies it.

    ai-how-gpus apply    changes what differs, verifies, and writes the machine's lines of gres.conf
    ai-how-gpus verify   changes nothing; --line says a difference in one line, for SLURM's reason

Exit code 0: as planned. 1: not as planned, or the plan cannot be applied now. 2: wrong usage, or a plan that is none.
3: the plan can be applied after a reboot of this machine, and not before.
"""

import argparse
import contextlib
import fcntl
import pathlib
import sys

import application
import comparison
import driver
import gres
import plan as plans


class NotAsPlanned(Exception):
    def __init__(self, text, line):
        super().__init__(text)
        self.line = line


class Machine:
    """Paths; a root other than / is for tests."""

    def __init__(self, root):
        self.root = root
        self.plan = root / "etc/ai-how/gpu-plan.json"
        self.run = root / "run/ai-how"
        self.dev = root / "dev"
        self.proc = root / "proc"
        self.gres = self.run / "gres.conf"

    @contextlib.contextmanager
    def lock(self, kind):
        """Takes a lock, so that a verification does not see a half-applied plan."""
        self.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        with open(self.run / "gpus.lock", "w", encoding="ascii") as file:
            fcntl.flock(file, kind)
            yield


def verify(machine, plan, found):
    differences = comparison.compare(plan, found, machine.dev)
    if differences:
        what = [f"  {difference}" for difference in differences]
        head = f"the GPUs of this machine differ from their plan, {machine.plan}:"
        text = "\n".join([head, *what, *comparison.describe(plan, found)])
        raise NotAsPlanned(text, "GPUs differ from the plan: " + "; ".join(map(str, differences)))


def apply(machine):
    with machine.lock(fcntl.LOCK_EX):
        done = False
        try:
            plan = plans.read_plan(machine.plan)
            for line in application.apply(plan, driver.read(), machine.root):
                print(line, flush=True)
                done = True
            found = driver.read()
            verify(machine, plan, found)
            lines = gres.lines(plan, found, machine.dev, machine.proc)
        except Exception:
            write_gres(machine, [])  # a machine with differences offers no GPUs
            raise
        write_gres(machine, lines)
        print(f"{len(plan.gpus)} GPUs are as planned" + ("" if done else ", nothing to do"))


def write_gres(machine, lines):
    """Writes the file only if it changes, because a change restarts slurmd."""
    text = "".join(f"{line}\n" for line in ["# Written by ai-how-gpus: what SLURM may offer of this machine.", *lines])
    before = machine.gres.read_text(encoding="utf-8") if machine.gres.exists() else None
    if text != before:
        temporary = machine.gres.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(machine.gres)


def main():
    parser = argparse.ArgumentParser(prog="ai-how-gpus", description="NVIDIA GPUs by plan; see docs/gpu-nodes.md")
    parser.add_argument("action", choices=["apply", "verify"])
    parser.add_argument("--line", action="store_true", help="say what is wrong in one line on standard output")
    parser.add_argument(
        "--timeout", type=int, default=driver.TIMEOUT, help="seconds to wait for the driver, default 15"
    )
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    driver.TIMEOUT = options.timeout
    machine = Machine(options.root)
    code, text, line = 0, "", ""
    try:
        if options.action == "apply":
            apply(machine)
        else:
            with machine.lock(fcntl.LOCK_SH):
                plan = plans.read_plan(machine.plan)
                verify(machine, plan, driver.read())
    except NotAsPlanned as error:
        code, text, line = 1, str(error), error.line
    except (application.Refused, driver.DriverError) as error:
        code, text = 3 if isinstance(error, application.RebootNeeded) else 1, str(error)
        line = "GPUs cannot be verified: " + "; ".join(text.splitlines())
    except plans.PlanError as error:
        code, text = 2, str(error)
        line = "GPUs have no plan: " + "; ".join(text.splitlines())
    if code != 0:
        print(line if options.line else text, file=sys.stdout if options.line else sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
