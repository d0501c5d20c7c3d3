"""Memory and processor time of a process and its children, from /proc."""

from pathlib import Path

_TICKS = 100
"""A second, in the units of /proc/PID/stat: USER_HZ, which is 100 on every machine Lambda or we run on."""


def family(pid: int) -> list[int]:
    """The process and everything it started that still runs."""
    found, waiting = list[int](), [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        for thread in _threads(current):
            try:
                children = (thread / "children").read_text()
            except OSError:  # the thread has ended
                continue
            waiting += map(int, children.split())
    return found


def _threads(pid: int) -> list[Path]:
    # Path.glob fails if a thread ends while it looks at its directory.
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # the process has ended
        return []


def cpu_seconds(pid: int) -> float:
    """What the process and its children have used, those that ended included."""
    total = 0
    for member in family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own, waited = fields[11:13], fields[13:15]
        total += sum(map(int, own + waited))
    return total / _TICKS


def reset_peaks(pid: int) -> None:
    """Let the peak of memory begin anew; Linux only."""
    for member in family(pid):
        try:
            Path(f"/proc/{member}/clear_refs").write_text("5")
        except OSError:
            continue


def peak_megabytes(pid: int) -> float:
    """The largest resident memory since `reset_peaks`, of all of them together."""
    return sum(_status(member, "VmHWM") for member in family(pid)) / 1024


def unused_megabytes(pid: int) -> float:
    """Address space that is reserved and holds nothing."""
    return (_status(pid, "VmSize") - _status(pid, "VmRSS")) / 1024


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
