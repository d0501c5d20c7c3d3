"""A container without walls: a process in the training environment, with its own folders and variables."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

INIT = Path(__file__).with_name("container_init.py")

# What programs need of this machine; everything else they get is SageMaker's.
INHERITED = ("HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "TZ")


class Container:
    """A program that runs. What it prints goes to `on_line`, line by line, from a thread of its own."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        self._on_line = on_line
        self._cleared = False
        self._timer: threading.Timer | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(INIT), *command],
            cwd=folder,
            env={**inherited_environment(), **environment},
            stdin=subprocess.PIPE,  # its end tells that the emulator is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit status once the program has ended and all it printed was read; None after `timeout`."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self.kill()  # what the program started and left behind
        self._cleared = True
        self._reader.join()
        if self._process.stdin:
            self._process.stdin.close()
        return status

    def terminate(self, grace: float) -> None:
        """Ask the program to end, and kill it if it has not after `grace` seconds. Returns at once."""
        if self._timer or not self.running:
            return
        self._process.terminate()
        self._timer = threading.Timer(grace, self._kill_if_running)
        self._timer.daemon = True
        self._timer.start()

    def kill(self) -> None:
        """End the program and everything that it started; safe to repeat."""
        if self._timer:
            self._timer.cancel()
        if self._cleared:
            return  # by now, another program may have the number of this one's session
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _kill_if_running(self) -> None:
        if self.running:
            self.kill()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            for line in output:
                self._on_line(line.rstrip("\n"))


def inherited_environment() -> dict[str, str]:
    """What of the emulator's own environment a program may see."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "NO_PROXY": "localhost,127.0.0.1",
        # Other programs work here as well; threads that wait for each other in a loop would take their time.
        "OMP_WAIT_POLICY": "PASSIVE",
        **inherited,
    }
