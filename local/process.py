"""Start a program in the background, follow it, and end it with everything it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).parent.parent
GRACE = 15.0  # seconds a program has to end in good order


class StartFailed(Exception):
    """Something did not start; the message says what to do, for the person who started it."""


class Process:
    """A program that runs in `folder`, and whose output goes to `log`.

    It gets a process group, so that what it starts ends with it.
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
                stdin=subprocess.PIPE,  # its end tells the program that this process is gone
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def failure(self, what: str) -> StartFailed:
        """The error for a program that did not do what it should, with the end of its log."""
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
        """Wait until the program has ended by itself, and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """End the program in good order if it can, and then whatever is left of its group; safe to repeat."""
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
