"""Decodes compressed frames in a separate process. `decoder.py` starts this file as a script.

Requests arrive on standard input and are answered on standard output, one at a time. Each frame is decoded
in its own fork. A native decoder that crashes, hangs or writes past its buffer affects only that fork, and
one that reads uninitialised memory finds nothing of an earlier image.

To start fast, it imports none of this project's modules.
"""

import mmap
import os
import resource
import signal
import sys
from pathlib import Path
from struct import Struct
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

REQUEST = Struct("<16sQIIIBBxxI")
"""A token, the length of the file that follows, its rows, columns and components, the bytes of a sample,
whether samples are signed, and the limit in seconds of processor time."""
REPLY = Struct("<16sBQ")
"""The request's token, an outcome, and the length of the samples that follow."""
READY = b"ready"

DECODED, REFUSED, CRASHED, TOO_SLOW, TOO_LARGE, CORRUPT = range(6)
"""Outcomes: samples follow; the decoder raised an error; it crashed; it exceeded its time; it exceeded its
memory; it invented samples for missing or corrupt data."""

MEMORY = 1 << 30
"""Bytes that a decoder may allocate. OpenJPEG needs most, 7.3 per sample. It fits a Lambda of 2 GiB."""
WALL_TIME = 4
"""Wall-clock seconds allowed per second of processor time, as other processes use the processors, too."""

_GUARD = 1 << 16
"""Bytes after the samples, which show whether a decoder has written past its buffer."""
_UNTOUCHED = 0xA5
_MAX_LOG_BYTES = 1 << 16
_PADDING = b"extraneous bytes before marker 0xd9"
"""A harmless warning: bytes between the image and its end marker."""


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until the input ends."""
    import dicomsdl  # once for all forks; not needed by modules that import only the constants

    dicomsdl.set_loglevel(dicomsdl.LogLevel.WARN)
    replies.write(READY)
    replies.flush()
    while len(header := requests.read(REQUEST.size)) == REQUEST.size:
        size = REQUEST.unpack(header)[1]
        # Not on the heap, where the next fork could find it.
        with mmap.mmap(-1, size) as file:
            view = memoryview(file)
            received = 0
            while received < size and (count := requests.readinto(view[received:])):  # type: ignore[attr-defined]
                received += count
            view.release()
            _answer(header, file, replies)


def _answer(header: bytes, file: mmap.mmap, replies: BinaryIO) -> None:
    process = os.fork()
    if process == 0:
        code = CRASHED
        try:
            code = _decode_and_reply(header, file, replies)
        finally:
            os._exit(code)  # at once: cleaning up is the parent's work
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == DECODED:
        return
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        code = TOO_SLOW
    outcome = code if code in (REFUSED, TOO_SLOW, TOO_LARGE, CORRUPT) else CRASHED
    replies.write(REPLY.pack(header[:16], outcome, 0))
    replies.flush()


def _decode_and_reply(header: bytes, file: mmap.mmap, replies: BinaryIO) -> int:
    token, _, rows, columns, components, width, signed, seconds = REQUEST.unpack(header)
    try:
        _limit(seconds)
        shape = (rows, columns, components) if components > 1 else (rows, columns)
        size = rows * columns * components * width
        buffer = np.zeros(size + _GUARD, np.uint8)
        buffer[size:] = _UNTOUCHED
        samples = buffer[:size].view(f"{'i' if signed else 'u'}{width}").reshape(shape)
        log = _redirected_log()
        _decode(file, samples)
    except MemoryError:
        return TOO_LARGE
    except Exception as error:
        # The message is dropped: it may quote parts of the file.
        return TOO_LARGE if "alloc" in str(error) else REFUSED
    if (buffer[size:] != _UNTOUCHED).any():
        return CRASHED
    if _is_corrupt(log):
        return CORRUPT
    replies.write(REPLY.pack(token, DECODED, samples.nbytes))
    replies.write(samples.data)
    replies.flush()
    return DECODED


def _redirected_log() -> int:
    """A pipe with everything that native code writes to standard error.

    Writing never blocks: output beyond the pipe's capacity is dropped.
    """
    source, target = os.pipe()
    os.set_blocking(source, False)
    os.set_blocking(target, False)
    os.dup2(target, 2)
    return source


def _is_corrupt(log: int) -> bool:
    """Whether the JPEG decoder warned of missing or corrupt data, for which it invents samples."""
    try:
        lines = os.read(log, _MAX_LOG_BYTES).splitlines()
    except BlockingIOError:
        return False
    return any(b"orrupt JPEG data" in line and _PADDING not in line for line in lines)


def _limit(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":  # other systems do not enforce this limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * mmap.PAGESIZE + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.setitimer(signal.ITIMER_REAL, seconds * WALL_TIME)


def _decode(file: mmap.mmap, samples: NDArray[np.generic]) -> None:
    """Fill `samples` from a DICOM file of one frame.

    Raises:
        Exception: of any kind, if it cannot be decoded or does not match `samples` in shape and type.
    """
    import dicomsdl

    content = file[:]
    dataset = dicomsdl.open_memory(content, copy_data=False)
    info = dataset.getPixelDataInfo()
    shape = (info["Rows"], info["Cols"], info["SamplesPerPixel"])
    if np.dtype(info["dtype"]) != samples.dtype or shape != (*samples.shape, 1)[:3]:
        raise ValueError("the decoder understands the header differently")
    dataset.copyFrameData(0, samples)


if __name__ == "__main__":
    # Output of native code must not mix with the replies.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, output)
