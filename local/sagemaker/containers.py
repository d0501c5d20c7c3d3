"""A container without isolation: a process with its own folders and environment variables."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

INIT = Path(__file__).with_name("container_init.py")

INHERITED = ("HOME", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "TMPDIR", "TZ")
"""The environment variables that containers inherit from the emulator. SageMaker defines all others."""


class Container:
    """A running program. A separate thread passes each line of its output to `on_line`."""

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
            stdin=subprocess.PIPE,  # end-of-file shows that the emulator has ended
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
        """Wait until the program has ended and its output is read.

        Returns:
            The exit status, or None after `timeout` seconds.
        """
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self.kill()  # processes that the program has left behind
        self._cleared = True
        self._reader.join()
        if self._process.stdin:
            self._process.stdin.close()
        return status

    def terminate(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace` seconds. Returns at once."""
        if self._timer or not self.running:
            return
        self._process.terminate()
        self._timer = threading.Timer(grace, self._kill_if_running)
        self._timer.daemon = True
        self._timer.start()

    def kill(self) -> None:
        """Kill the program and everything that it has started. Safe to repeat."""
        if self._timer:
            self._timer.cancel()
        if self._cleared:
            return  # the session id may have been reused
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
    """The environment variables that a program inherits from the emulator."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "NO_PROXY": "localhost,127.0.0.1",
        # Threads must not spin while they wait: other programs use this machine too.
        "OMP_WAIT_POLICY": "PASSIVE",
        **inherited,
    }
