"""The machine that measures, in words that name neither it nor its user."""

import os
import platform
from pathlib import Path


def description(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Processor, cores, memory, system and Python."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor(cpuinfo)}, {cores} {'core' if cores == 1 else 'cores'}, {memory:.0f} GiB of memory, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def processor(cpuinfo: Path) -> str:
    """The name of the processor."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def load() -> float:
    """How many programs wanted to run in the last minute: on an idle machine, next to none."""
    return os.getloadavg()[0]
