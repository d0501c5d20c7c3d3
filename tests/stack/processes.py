"""Processes of this machine, as listed by `ps`."""

import subprocess


def descendants(pid: int) -> set[int]:
    """The ids of all descendants of `pid`."""
    children = [tuple(map(int, line.split())) for line in _listing("pid=,ppid=")]
    found = {pid}
    while more := {child for child, parent in children if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """The ids of those processes that are running."""
    states = [line.split() for line in _listing("pid=,stat=")]
    return pids & {int(pid) for pid, state in states if not state.startswith("Z")}


def _listing(columns: str) -> list[str]:
    command = ["ps", "-eo", columns]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
