"""Starting, sharing and replacing the processes that decode compressed frames."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from chalicelib import errors
from chalicelib.imaging.dicom import decoder, decoder_process
from tests.unit.imaging.dicom.decoding import decode, grey_stream

pytestmark = pytest.mark.usefixtures("own_processes")


def test_child_that_does_not_answer_is_stopped_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    decode(grey_stream())
    (process,) = decoder._idle()
    monkeypatch.setattr(decoder, "_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(decoder_process, "WALL_TIME", 0)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(decoder.DecodingFailed, match="too long"):
        decode(grey_stream())
    monkeypatch.undo()
    assert decode(grey_stream()).max() == 100
    assert process not in decoder._idle()


def test_children_killed_while_idle_are_replaced() -> None:
    assert decoder.is_available()
    for process in (decoder.DecoderProcess(), decoder.DecoderProcess()):
        os.kill(process.pid, signal.SIGKILL)
        process._process.wait()
        decoder._idle().append(process)
    assert decode(grey_stream(50)).max() == 50


def test_missing_child_is_not_reported_as_a_bad_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "decoder_process.py"
    broken.write_text("raise SystemExit(1)")
    monkeypatch.setattr(decoder_process, "__file__", str(broken))
    with pytest.raises(errors.DecoderUnavailable):
        decode(grey_stream())
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(errors.DecoderUnavailable):
        decode(grey_stream())


def test_threads_get_their_own_images() -> None:
    levels = list(range(0, 240, 5))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda level: np.unique(decode(grey_stream(level))).tolist(), levels))
    assert found == [[level] for level in levels]
    assert 1 <= len(decoder._idle()) <= (os.cpu_count() or 1)


def test_fork_of_this_process_starts_its_own_children() -> None:
    decode(grey_stream())
    (process,) = decoder._idle()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            decode(grey_stream(7))
            os.write(write, str(decoder._idle()[0].pid).encode())
            decoder.stop_idle_processes()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 100)) != process.pid
    assert decode(grey_stream(9)).max() == 9
    assert decoder._idle() == [process]


def test_child_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unmistakable")
    decode(grey_stream())
    (process,) = decoder._idle()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"unmistakable" not in environment
    assert b"PYTHONPATH" in environment


def test_decoding_leaves_no_thread_or_descriptor() -> None:
    decode(grey_stream())
    threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        decode(grey_stream())
    for thread in threading.enumerate():  # a cancelled watchdog needs a moment to end
        if thread is not threading.current_thread():
            thread.join(5)
    assert threading.active_count() <= threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_decoder_is_available_exactly_with_dicomsdl() -> None:
    assert decoder.is_available()
