"""Truncated compressed frames: refused as damaged, but accepted without the end marker."""

import re
from functools import cache
from struct import pack, unpack_from

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from chalicelib import errors, imaging
from chalicelib.imaging.jpeg import segments
from chalicelib.tasks import InputSpec
from tests import images
from tests.compression import LOSSLESS, compressed, streams, with_streams
from tests.unit.imaging.jpeg.samples import incomplete

SPEC = InputSpec(64, 64, 1, "stretch")
CODECS = {
    **LOSSLESS,
    "JPEG-LS near-lossless": gdcm.TransferSyntax.JPEGLSNearLossless,
    "JPEG 2000 lossy": gdcm.TransferSyntax.JPEG2000,
    "JPEG baseline": gdcm.TransferSyntax.JPEGBaselineProcess1,
    "JPEG extended": gdcm.TransferSyntax.JPEGExtendedProcess2_4,
}
END = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS, EOC of JPEG 2000."""
NOISE = np.random.default_rng(5).integers(0, 256, (64, 64)).astype("u1")

each_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())


@cache
def stream_of(codec: int) -> bytes:
    """A noisy picture, so that every part of the stream matters."""
    (stream,) = streams(compressed(images.dicom(NOISE, bits=8), codec))
    return stream[: stream.rindex(END) + 2]


def prepared(codec: int, stream: bytes) -> NDArray[np.uint8]:
    syntax = str(gdcm.TransferSyntax(codec).GetString())
    return imaging.prepare(with_streams(images.dicom_dataset(NOISE, bits=8), syntax, [stream]), SPEC).pixels


@each_codec
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("end", [b"", END], ids=["no end marker", "end marker"])
def test_truncated_stream_is_reported_as_damaged(codec: int, share: float, end: bytes) -> None:
    stream = stream_of(codec)
    with pytest.raises(errors.DamagedImage, match="stream"):
        prepared(codec, stream[: int(len(stream) * share)] + end)


@pytest.mark.parametrize("stream", incomplete().values(), ids=incomplete().keys())
def test_jpeg_that_libjpeg_completes_by_itself_is_reported_as_damaged(stream: bytes) -> None:
    with pytest.raises(errors.DamagedImage, match="JPEG stream is damaged"):
        prepared(gdcm.TransferSyntax.JPEGBaselineProcess1, stream)


def test_kind_of_jpeg_that_files_may_not_have_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MAX_SCANS", 5)
    stream = images.encode(Image.fromarray(NOISE), "JPEG", progressive=True)
    with pytest.raises(errors.UnsupportedImage, match=r"cannot be read here: JPEG with more than 5 scans\."):
        prepared(gdcm.TransferSyntax.JPEGBaselineProcess1, stream)


@each_codec
@pytest.mark.parametrize("left", [0, 1], ids=["no end marker", "half of it"])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_missing_end_marker_is_accepted(codec: int, left: int, padding: int) -> None:
    stream = stream_of(codec)
    without = stream[: -2 + left or None] if left else stream[:-2]
    np.testing.assert_array_equal(prepared(codec, without + bytes(padding)), prepared(codec, stream))


def baseline(stream: bytes) -> NDArray[np.uint8]:
    data = with_streams(images.dicom_dataset(NOISE, bits=8), JPEGBaseline8Bit, [stream])
    return imaging.prepare(data, SPEC).pixels


@pytest.mark.parametrize("options", [{"restart_marker_blocks": 8}, {"progressive": True}], ids=str)
def test_missing_restart_intervals_and_scans_of_jpeg_are_detected(options: dict[str, int]) -> None:
    stream = images.encode(Image.fromarray(NOISE), "JPEG", quality=95, **options)
    assert len(np.unique(baseline(stream))) > 100
    for share in (0.5, 0.99):
        with pytest.raises(errors.DamagedImage, match="JPEG stream"):
            baseline(stream[: int(len(stream) * share)] + END)
    if "progressive" not in options:
        last = [match.start() for match in re.finditer(rb"\xff[\xd0-\xd7]", stream)][-1]
        with pytest.raises(errors.DamagedImage, match="JPEG stream"):
            baseline(stream[:last] + END)


def tiled() -> bytes:
    return images.encode(Image.fromarray(NOISE), "JPEG2000", no_jp2=True, tile_size=(32, 32))


def jpeg_2000(stream: bytes) -> NDArray[np.uint8]:
    data = with_streams(images.dicom_dataset(NOISE, bits=8), JPEG2000Lossless, [stream])
    return imaging.prepare(data, SPEC).pixels


def test_missing_tile_of_jpeg_2000_is_named() -> None:
    stream = tiled()
    assert len(np.unique(jpeg_2000(stream))) > 100
    last = stream.rindex(b"\xff\x90\x00\x0a")
    with pytest.raises(errors.DamagedImage, match="1 of its 4 tiles are missing"):
        jpeg_2000(stream[:last] + END)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_tile_is_damaged_with_any_stated_length(share: float) -> None:
    stream = tiled()
    last = stream.rindex(b"\xff\x90\x00\x0a")
    end = last + 14 + int((len(stream) - last - 16) * share)
    for length in (0, end - last):  # 0: up to the end of the codestream (T.800 A.4.2)
        with pytest.raises(errors.DamagedImage, match="JPEG 2000 stream"):
            jpeg_2000(stream[: last + 6] + pack(">I", length) + stream[last + 10 : end] + END)
    whole = stream[: last + 6] + bytes(4) + stream[last + 10 :]
    np.testing.assert_array_equal(jpeg_2000(whole), jpeg_2000(stream))
    np.testing.assert_array_equal(jpeg_2000(whole[:-2]), jpeg_2000(stream))


def test_truncated_tile_reports_how_much_is_present() -> None:
    stream = tiled()
    (length,) = unpack_from(">I", stream, stream.rindex(b"\xff\x90\x00\x0a") + 6)
    with pytest.raises(errors.DamagedImage, match=f"a tile-part of {length:,} bytes is cut off"):
        jpeg_2000(stream[:-20])
