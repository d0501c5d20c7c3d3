"""Programs that answer for files, each in a process of its own, pinned to one core."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

PROJECT = Path(__file__).parent.parent
PATIENCE = 120.0
"""Seconds that a program has to start, and for an answer."""
_BOUNDARY = "negatoscope-benchmark"


class ProgramFailed(Exception):
    """A program could not start, or did not answer. The message says why."""


@dataclass(frozen=True)
class Reply:
    """An answer for one file."""

    ms: float
    answer: str
    peak_mb: float
    """The most memory of the process so far."""


class Running(Protocol):
    """A program that has been started."""

    imported_s: float | None
    """Seconds from the start of the process until its imports were done; None if it does not say."""

    @property
    def age(self) -> float:
        """Seconds since its start."""

    def ask(self, file: Path) -> Reply:
        """Let it answer for a file; raise ProgramFailed if it does not."""

    def close(self) -> None:
        """End it."""


class _Process:
    """A process in a group of its own, with what it says on its standard error."""

    def __init__(self, command: Sequence[str], core: int, **environment: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self.started = time.perf_counter()
        try:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=_environment() | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
                text=True,
            )
        except OSError as error:
            self._errors.close()
            raise ProgramFailed(f"{Path(command[0]).parent.parent.name} is not installed") from error
        # The libraries look how many cores there are when they are imported, which is later.
        os.sched_setaffinity(self.process.pid, {core})

    def failure(self, what: str) -> ProgramFailed:
        """An error with the last line that the process wrote."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return ProgramFailed(f"{what}: {lines[-1].strip()[:200]}" if lines else what)

    def close(self) -> None:
        """End it and all that it has started; some start sessions of their own."""
        for process in reversed([*family(self.process.pid)]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.communicate()
        self._errors.close()


class Program:
    """A program that speaks `peers.protocol`."""

    def __init__(self, command: Sequence[str], core: int) -> None:
        """Start it, and wait until its imports are done.

        Raises:
            ProgramFailed: if it does not start.
        """
        self._process = _Process(command, core)
        try:
            self._read()
        except ProgramFailed:
            self.close()
            raise
        self.imported_s: float | None = time.perf_counter() - self._process.started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def age(self) -> float:
        """See `Running.age`."""
        return time.perf_counter() - self._process.started

    def ask(self, file: Path) -> Reply:
        """See `Running.ask`."""
        entry = self._process.process.stdin
        assert entry
        try:
            entry.write(f"{file}\n")
            entry.flush()
        except OSError as error:
            raise self._process.failure("it has ended") from error
        return Reply(**self._read())

    def close(self) -> None:
        """See `Running.close`."""
        self._process.close()

    def _read(self) -> dict[str, Any]:
        output = self._process.process.stdout
        assert output
        timer = threading.Timer(PATIENCE, self._process.process.kill)
        timer.start()
        try:
            while line := output.readline():
                if line.startswith("{"):  # libraries print, too
                    found: dict[str, Any] = json.loads(line)
                    return found
        finally:
            timer.cancel()
        raise self._process.failure("it gave no answer")


class Server:
    """A program that answers `POST /classify` with the file in a form."""

    def __init__(self, command: Sequence[str], core: int, **environment: str) -> None:
        """Start it on a free port, which is appended to the command.

        Raises:
            ProgramFailed: if it does not start.
        """
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process = _Process([*command, str(self._port)], core, **environment)
        self._connection: http.client.HTTPConnection | None = None
        self.imported_s: float | None = None

    @property
    def age(self) -> float:
        """See `Running.age`."""
        return time.perf_counter() - self._process.started

    def ask(self, file: Path) -> Reply:
        """See `Running.ask`. It is asked again until it listens."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            start = time.perf_counter()
            try:
                answer = self._post(file.read_bytes())
            except (OSError, http.client.HTTPException):
                self._disconnect()
                if self._process.process.poll() is not None:
                    break
                time.sleep(0.02)
                continue
            ms = (time.perf_counter() - start) * 1000
            return Reply(ms, answer, sum(map(peak_megabytes, family(self._process.process.pid))))
        raise self._process.failure("it gave no answer")

    def close(self) -> None:
        """See `Running.close`."""
        self._disconnect()
        self._process.close()

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _post(self, data: bytes) -> str:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
        kind = "Content-Type: application/octet-stream\r\n\r\n"
        body = f"{head}{kind}".encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        self._connection.request("POST", "/classify", body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status != http.client.OK:
            raise self._process.failure(f"it answers {response.status}, {text[:200]}")
        return text.strip('"')


def family(process: int) -> Iterator[int]:
    """A process and all that it has started, the older ones first."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from family(int(child))


def peak_megabytes(process: int) -> float:
    """The most memory that a process has had; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _environment() -> dict[str, str]:
    """One thread for every library, and no messages."""
    return dict(os.environ) | {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(PROJECT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
