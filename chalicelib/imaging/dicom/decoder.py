"""Decodes compressed frames in a child process, where a crash does no harm.

dicomsdl is native code that gets untrusted data. It runs in a child process (`decoder_process.py`), which is
kept for the next frame. They communicate through pipes, because Lambda has no shared memory for semaphores.
"""

import atexit
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib import errors
from chalicelib.imaging.codestream import Codestream, Family
from chalicelib.imaging.dicom import decoder_process as protocol
from chalicelib.imaging.dicom.minimal_file import minimal_file
from chalicelib.settings import library_environment

_SAMPLES_PER_SECOND = 4_000_000
"""Half the speed of the slowest decoder, OpenJPEG, with 16 bits of noise."""
_MIN_SECONDS = 3
_OPENJPEG_BYTES = 8
"""Memory per sample; 7.3 bytes were measured with 16 bits, 5.9 with 8."""
_GRACE_SECONDS = 5
_START_SECONDS = 30


class DecodingFailed(Exception):
    """A frame cannot be decoded. The message says how the decoder ended."""


class DecodingTooLarge(DecodingFailed):
    """The decoder needs more memory than its limit."""


class DecoderMissing(Exception):
    """dicomsdl is not installed."""


class DecoderDied(Exception):
    """The child process has died. Frames are decoded in forks of it, so no frame is the cause."""


_OUTCOMES = {
    protocol.REFUSED: "the decoder cannot make an image of it",
    protocol.CRASHED: "the decoder crashed",
    protocol.TOO_SLOW: "the decoder took too long",
    protocol.TOO_LARGE: "the decoder needs too much memory",
    protocol.CORRUPT: "its compressed pixels are incomplete or corrupt",
}


@cache
def is_available() -> bool:
    """Whether dicomsdl is installed. It has no wheels for Python 3.14 and some machines."""
    return find_spec("dicomsdl") is not None


def decode(stream: bytes, claims: Codestream) -> NDArray[Any]:
    """The samples of one frame: (rows, columns) or (rows, columns, components).

    Only the component transform of JPEG 2000 is undone; other colours are returned as stored.

    Raises:
        DecoderMissing: if dicomsdl is not installed.
        DecodingFailed: if the decoder refuses the frame, crashes, or needs too much time or memory.
        DecoderUnavailable: if the child process cannot be started.
    """
    if not is_available():
        raise DecoderMissing
    for final_try in (False, True):
        process = DecoderProcess() if final_try else _take()
        try:
            samples = process.decode(stream, claims)
        except DecoderDied as error:
            process.stop()
            if final_try:
                raise errors.DecoderUnavailable("Images cannot be decoded now. Try again.") from error
        except DecodingFailed:
            _keep(process)
            raise
        except BaseException:
            process.stop()
            raise
        else:
            _keep(process)
            return samples
    raise AssertionError


_processes: dict[int, list["DecoderProcess"]] = {}
"""Idle child processes by the process that started them: its forks must not use them."""


def _idle() -> list["DecoderProcess"]:
    return _processes.setdefault(os.getpid(), [])


def _take() -> "DecoderProcess":
    try:
        return _idle().pop()
    except IndexError:
        return DecoderProcess()


def _keep(process: "DecoderProcess") -> None:
    if process.is_alive() and len(_idle()) < (os.cpu_count() or 1):
        _idle().append(process)
    else:
        process.stop()


@atexit.register
def stop_idle_processes() -> None:
    """Stop the idle child processes."""
    while _idle():
        _idle().pop().stop()


class DecoderProcess:
    """A child process that decodes one frame at a time."""

    def __init__(self) -> None:
        environment = library_environment() | {
            # Libraries are in a layer on Lambda, and beside the model on SageMaker.
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OPENBLAS_NUM_THREADS": "1",  # a process with threads cannot fork safely
        }
        command = [sys.executable, "-P", "-S", protocol.__file__]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise errors.DecoderUnavailable("Images cannot be decoded now. Try again.") from error
        assert self._process.stdin
        assert self._process.stdout
        self._requests: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._replies: BinaryIO = self._process.stdout  # type: ignore[assignment]
        with self._watchdog(_START_SECONDS):
            ready = self._replies.read(len(protocol.READY))
        if ready != protocol.READY:
            self.stop()
            raise errors.DecoderUnavailable("Images cannot be decoded now. Try again.")

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the child is still running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the child and everything it started."""
        self._kill()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # buffered data that nothing reads any more
                pipe.close()

    @contextmanager
    def _watchdog(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the child if the block takes longer; the event is set if that happened."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def decode(self, stream: bytes, claims: Codestream) -> NDArray[Any]:
        """See `decode` of this module.

        Raises:
            DecodingFailed: see there.
            DecoderDied: if the child has died.
        """
        if claims.family is Family.JPEG_2000:
            _check_memory(claims)
        samples = _zeros(claims)
        seconds = _MIN_SECONDS + samples.size // _SAMPLES_PER_SECOND
        file = minimal_file(stream, claims)
        token = secrets.token_bytes(16)
        request = protocol.REQUEST.pack(
            token, sum(map(len, file)), claims.rows, claims.columns, claims.components,
            # dicomsdl has no signed bytes: it returns the same bits as unsigned ones.
            samples.itemsize, claims.signed and samples.itemsize > 1, seconds,
        )  # fmt: skip
        # The child enforces the limit itself. This catches a child that hangs.
        with self._watchdog(seconds * protocol.WALL_TIME + _GRACE_SECONDS) as late:
            try:
                self._exchange(token, [request, *file], samples)
            except DecoderDied:
                if late.is_set():
                    raise DecodingFailed(_OUTCOMES[protocol.TOO_SLOW]) from None
                raise
        return samples

    def _exchange(self, token: bytes, request: list[bytes], samples: NDArray[Any]) -> None:
        try:
            for part in request:
                self._requests.write(part)
            self._requests.flush()
            reply = self._replies.read(protocol.REPLY.size)
        except OSError as error:
            raise DecoderDied from error
        if len(reply) < protocol.REPLY.size:
            raise DecoderDied
        answered, outcome, size = protocol.REPLY.unpack(reply)
        if answered != token:
            raise DecoderDied
        if outcome != protocol.DECODED:
            raise (DecodingTooLarge if outcome == protocol.TOO_LARGE else DecodingFailed)(_OUTCOMES[outcome])
        if size != samples.nbytes or not _fill(samples, self._replies):
            raise DecoderDied


def _check_memory(claims: Codestream) -> None:
    """OpenJPEG does not report why it fails, so the memory it needs is calculated in advance."""
    needed = claims.rows * claims.columns * claims.components * _OPENJPEG_BYTES
    if needed > protocol.MEMORY:
        raise DecodingTooLarge(
            f"{_OUTCOMES[protocol.TOO_LARGE]} ({needed // 10**6:,} MB, and at most "
            f"{protocol.MEMORY // 10**6:,} MB are available)"
        )


def _zeros(claims: Codestream) -> NDArray[Any]:
    shape = (claims.rows, claims.columns, claims.components)
    kind = f"{'i' if claims.signed else 'u'}{1 if claims.precision <= 8 else 2}"
    return np.zeros(shape if claims.components > 1 else shape[:2], kind)


def _fill(samples: NDArray[Any], source: BinaryIO) -> bool:
    """Read all of `samples`; False if the source ends early."""
    view = memoryview(samples).cast("B")
    received = 0
    while received < len(view):
        count = source.readinto(view[received:])  # type: ignore[attr-defined]
        if not count:
            return False
        received += count
    return True
