"""The process that decodes compressed frames, and its failures."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib.imaging import codestream
from chalicelib.imaging.dicom import decoder, decoder_process
from tests import images
from tests.stage import ROOT
from tests.unit.imaging.dicom.decoding import decode, grey_stream

pytestmark = pytest.mark.usefixtures("own_processes")


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
    assert decode(grey_stream()).max() == 100
    (process,) = decoder._idle()
    with pytest.raises(decoder.DecodingFailed, match=words) as caught:
        decode(grey_stream(66))
    assert "Doe" not in str(caught.value)
    assert decode(grey_stream(33)).max() == 33
    assert decoder._idle() == [process]


def test_decoder_that_never_ends_is_stopped(
    plant: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_MIN_SECONDS", 1)
    plant("while True: pass")
    with pytest.raises(decoder.DecodingFailed, match="too long"):
        decode(grey_stream(66))
    assert decode(grey_stream(33)).max() == 33


@pytest.mark.parametrize("side", [64, 1024])
def test_decoder_that_writes_past_its_buffer_is_detected(side: int) -> None:
    """dicomsdl does so if a stream of 16 bits has a header of 8 bits."""
    wide = images.encode(Image.fromarray(np.full((side, side), 40_000, np.uint16)), "JPEG2000", no_jp2=True)
    lie = replace(codestream.read(wide), precision=8)
    for _ in range(3):
        with pytest.raises(decoder.DecodingFailed, match="crashed"):
            decoder.decode(wide, lie)
        assert decode(grey_stream(20)).max() == 20


def test_child_ends_with_its_parent() -> None:
    assert decoder.is_available()
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from chalicelib.imaging.dicom import decoder; "
        "from tests.unit.imaging.dicom.decoding import decode, grey_stream; "
        "decode(grey_stream()); print(decoder._idle()[0].pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    pid = int(subprocess.run(command, capture_output=True, check=False).stdout)
    end = time.monotonic() + 120
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < end
        time.sleep(0.02)
