"""A program in the background, which ends with everything that it has started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).parent.parent
GRACE = 60.0  # seconds that a program has to shut down after SIGTERM; the emulator saves its state


class StartFailed(Exception):
    """The system or a part of it could not be started. The message tells the user what to do."""


class Process:
    """A program that runs in `folder` and writes its output to `log`.

    It has a process group of its own, so that whatever it starts can be ended with it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[object],
        log: Path,
        environment: dict[str, str],
        folder: Path = PROJECT,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,  # end-of-file tells the program that this process has ended
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def failure(self, what: str) -> StartFailed:
        """An error that says `what` is wrong, with the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return StartFailed("\n".join([f"{what} The end of {self.log}:", *(f"    {line}" for line in lines)]))

    def follow(self) -> Iterator[str]:
        """The lines of the log as the program writes them, until it ends."""
        with self.log.open(errors="replace") as log:
            while True:
                running = self.running
                yield from log
                if not running:
                    return
                time.sleep(0.1)

    def wait(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """Terminate the program, then kill what is left of its process group. Safe to repeat."""
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
