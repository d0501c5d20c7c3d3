"""The child process that decodes compressed frames, and its failures."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors
from chalicelib.imaging import codestream
from chalicelib.imaging.dicom import decoder, decoder_process
from tests import images
from tests.stage import ROOT


def stream(level: int = 100, side: int = 64) -> bytes:
    """A JPEG 2000 codestream of one grey level with 8 bits."""
    return images.encode(Image.new("L", (side, side), level), "JPEG2000", no_jp2=True)


def decode(data: bytes) -> np.ndarray:
    return decoder.decode(data, codestream.read(data))


@pytest.fixture(autouse=True)
def _own_processes() -> Iterator[None]:
    decoder.stop_idle_processes()
    yield
    decoder.stop_idle_processes()


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Insert code into new children that runs for streams of level 66, after decoding."""

    def plant(fault: str) -> None:
        source = Path(decoder_process.__file__).read_text()
        working = "    dataset.copyFrameData(0, samples)\n"
        assert working in source
        script = tmp_path / "decoder_process.py"
        script.write_text(source.replace(working, f"{working}    if samples[0, 0] == 66:\n        {fault}\n"))
        monkeypatch.setattr(decoder_process, "__file__", str(script))

    return plant


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("os.abort()", "crashed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("os._exit(7)", "crashed"),
        ("raise ValueError('Doe^Jane')", "cannot make an image of it"),
        ("bytearray(3 << 30)", "too much memory"),
        ("raise RuntimeError('std::bad_alloc')", "too much memory"),
    ],
)
def test_child_survives_a_failing_image(plant: Callable[[str], None], fault: str, words: str) -> None:
    plant(fault)
    assert decode(stream()).max() == 100
    (process,) = decoder._idle()
    with pytest.raises(decoder.DecodingFailed, match=words) as caught:
        decode(stream(66))
    assert "Doe" not in str(caught.value)
    assert decode(stream(33)).max() == 33
    assert decoder._idle() == [process]


def test_decoder_that_never_ends_is_stopped(
    plant: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_MIN_SECONDS", 1)
    plant("while True: pass")
    with pytest.raises(decoder.DecodingFailed, match="too long"):
        decode(stream(66))
    assert decode(stream(33)).max() == 33


def test_child_that_does_not_answer_is_stopped_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    decode(stream())
    (process,) = decoder._idle()
    monkeypatch.setattr(decoder, "_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(decoder_process, "WALL_TIME", 0)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(decoder.DecodingFailed, match="too long"):
        decode(stream())
    monkeypatch.undo()
    assert decode(stream()).max() == 100
    assert process not in decoder._idle()


def test_children_killed_while_idle_are_replaced() -> None:
    for process in (decoder.DecoderProcess(), decoder.DecoderProcess()):
        os.kill(process.pid, signal.SIGKILL)
        process._process.wait()
        decoder._idle().append(process)
    assert decode(stream(50)).max() == 50


def test_missing_child_is_not_reported_as_a_bad_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "decoder_process.py"
    broken.write_text("raise SystemExit(1)")
    monkeypatch.setattr(decoder_process, "__file__", str(broken))
    with pytest.raises(errors.DecoderUnavailable):
        decode(stream())
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(errors.DecoderUnavailable):
        decode(stream())


@pytest.mark.parametrize("side", [64, 1024])
def test_decoder_that_writes_past_its_buffer_is_detected(side: int) -> None:
    """dicomsdl does so if a stream of 16 bits has a header of 8 bits."""
    wide = images.encode(Image.fromarray(np.full((side, side), 40_000, np.uint16)), "JPEG2000", no_jp2=True)
    lie = replace(codestream.read(wide), precision=8)
    for _ in range(3):
        with pytest.raises(decoder.DecodingFailed, match="crashed"):
            decoder.decode(wide, lie)
        assert decode(stream(20)).max() == 20


def test_threads_get_their_own_images() -> None:
    levels = list(range(0, 240, 5))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda level: np.unique(decode(stream(level))).tolist(), levels))
    assert found == [[level] for level in levels]
    assert 1 <= len(decoder._idle()) <= (os.cpu_count() or 1)


def test_fork_of_this_process_starts_its_own_children() -> None:
    decode(stream())
    (process,) = decoder._idle()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            decode(stream(7))
            os.write(write, str(decoder._idle()[0].pid).encode())
            decoder.stop_idle_processes()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 100)) != process.pid
    assert decode(stream(9)).max() == 9
    assert decoder._idle() == [process]


def test_child_ends_with_its_parent() -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from tests.unit.imaging.test_decoder import *; "
        "decode(stream()); print(decoder._idle()[0].pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    pid = int(subprocess.run(command, capture_output=True, check=False).stdout)
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_child_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unmistakable")
    decode(stream())
    (process,) = decoder._idle()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"unmistakable" not in environment
    assert b"PYTHONPATH" in environment


def test_decoding_leaves_no_thread_or_descriptor() -> None:
    decode(stream())
    threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        decode(stream())
    for thread in threading.enumerate():  # a cancelled watchdog needs a moment to end
        if thread is not threading.current_thread():
            thread.join(5)
    assert threading.active_count() <= threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_decoder_is_available_exactly_with_dicomsdl() -> None:
    assert decoder.is_available()
