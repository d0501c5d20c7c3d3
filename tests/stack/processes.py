"""Processes of this machine, as listed by `ps`."""

import os
import signal
import subprocess
from collections.abc import Iterable


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


def running(pid: int, program: str) -> list[int]:
    """The ids of the descendants of `pid` that run a program, given by a part of its command line."""
    below = descendants(pid)
    listed = (line.split(None, 1) for line in _listing("pid=,args=") if program in line)
    return [int(found) for found, _ in listed if int(found) in below]


def kill(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> int:
    """Send a signal to processes, and return how many of them existed."""
    hit = 0
    for pid in pids:
        try:
            os.kill(pid, number)
            hit += 1
        except ProcessLookupError:
            pass
    return hit


def _listing(columns: str) -> list[str]:
    command = ["ps", "-wweo", columns]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
