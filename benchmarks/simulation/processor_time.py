"""Processor time of the running local system, by program and Lambda."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from benchmarks.program import family

TICKS = os.sysconf("SC_CLK_TCK")
FUNCTION = "AWS_LAMBDA_FUNCTION_NAME="
"""The variable by which the processes of Lambdas are told apart."""


def of_system(processes: Mapping[str, int]) -> dict[str, float]:
    """Seconds by name: of each program, without its children, and of all processes of each Lambda.

    Args:
        processes: ids of the programs, by name (`LocalStack.processes`).
    """
    found = defaultdict[str, float](float)
    for name, root in processes.items():
        for process in family(root):
            found[function(process) or name] += seconds(process)
    return dict(found)


def of_machine(proc: Path = Path("/proc")) -> float:
    """Seconds that all cores together have worked, for whatever program, since the machine started."""
    user, nice, system, _idle, _waiting, *rest = map(int, (proc / "stat").read_text().split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS


def seconds(process: int, proc: Path = Path("/proc")) -> float:
    """What a process has used, without its children; 0 if it has ended."""
    with contextlib.suppress(OSError):
        # The name, in brackets, may have spaces. The next fields are 3, the state, and 14 and 15, the times.
        fields = (proc / str(process) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / TICKS
    return 0.0


def function(process: int, proc: Path = Path("/proc")) -> str:
    """The Lambda that a process runs; empty if it runs none."""
    with contextlib.suppress(OSError):
        for variable in (proc / str(process) / "environ").read_text(errors="replace").split("\0"):
            if variable.startswith(FUNCTION):
                return variable.removeprefix(FUNCTION).rpartition("-")[2]
    return ""
