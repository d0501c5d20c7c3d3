"""The headers of compressed frames."""

from struct import pack, unpack_from

import gdcm
import pytest
from PIL import Image

from chalicelib.imaging import codestream
from chalicelib.imaging.codestream import CodestreamError, Family, UnsupportedCodestream, read
from tests import images
from tests.compression import compressed, streams


def jpeg(mode: str = "L", **options: object) -> bytes:
    return images.encode(Image.new(mode, (40, 30)), "JPEG", **options)


def j2k(mode: str = "L", **options: object) -> bytes:
    return images.encode(Image.new(mode, (40, 30)), "JPEG2000", **options)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("mode", "components"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_jpeg_header_is_read(progressive: bool, mode: str, components: int) -> None:
    claims = read(jpeg(mode, progressive=progressive, subsampling=2))
    assert (claims.family, claims.rows, claims.columns, claims.components) == (
        Family.JPEG,
        30,
        40,
        components,
    )
    assert (claims.precision, claims.signed, claims.lossless) == (8, False, False)
    assert claims.process == (2 if progressive else 0)
    assert claims.subsampled == (components > 1)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("irreversible", [False, True])
def test_jpeg_2000_header_is_read(wrapped: bool, irreversible: bool) -> None:
    claims = read(j2k("RGB", no_jp2=not wrapped, irreversible=irreversible, mct=1))
    assert (claims.family, claims.rows, claims.columns, claims.components) == (Family.JPEG_2000, 30, 40, 3)
    assert (claims.precision, claims.signed, claims.lossless) == (8, False, not irreversible)
    assert claims.transform is True
    assert (claims.start > 0) == wrapped


def test_jpeg_2000_with_sixteen_bits_and_no_transform_is_read() -> None:
    claims = read(images.encode(Image.new("I;16", (40, 30)), "JPEG2000", no_jp2=True))
    assert (claims.precision, claims.transform) == (16, False)


@pytest.mark.parametrize(
    ("name", "family", "lossless", "precision"),
    [
        ("JPEGLosslessProcess14_1", Family.JPEG, True, 16),
        ("JPEGLSLossless", Family.JPEG_LS, True, 16),
        ("JPEG2000Lossless", Family.JPEG_2000, True, 16),
    ],
)
def test_stream_of_another_encoder_is_read(name: str, family: Family, lossless: bool, precision: int) -> None:
    data = images.dicom(images.gradient(high=4095).astype("u2"))
    (stream,) = streams(compressed(data, getattr(gdcm.TransferSyntax, name)))
    claims = read(stream)
    assert (claims.family, claims.lossless, claims.precision) == (family, lossless, precision)
    assert (claims.rows, claims.columns, claims.components) == (96, 64, 1)


def test_jpeg_ls_near_lossless_is_recognised() -> None:
    data = images.dicom(images.gradient(high=4095).astype("u2"))
    (stream,) = streams(compressed(data, gdcm.TransferSyntax.JPEGLSLossless))
    scan = stream.index(b"\xff\xda\x00\x08\x01")
    assert not read(changed(stream, scan + 7, b"\x02")).lossless


def test_jpeg_ls_with_colours_in_separate_scans_is_unsupported() -> None:
    data = images.dicom(images.colours(), "RGB", 8)
    (stream,) = streams(compressed(data, gdcm.TransferSyntax.JPEGLSLossless))
    scan = stream.index(b"\xff\xda\x00\x0c\x03")
    assert stream[scan + 12] == 2  # interleaved by sample
    with pytest.raises(UnsupportedCodestream, match="scan of its own"):
        read(changed(stream, scan + 12, b"\x00"))


def test_jpeg_2000_with_signed_samples_is_recognised() -> None:
    data = images.dicom(images.gradient(low=-900, high=900).astype("i2"), bits=16)
    (stream,) = streams(compressed(data, gdcm.TransferSyntax.JPEG2000Lossless))
    assert read(stream).signed


def test_fill_bytes_and_restart_markers_are_skipped() -> None:
    assert read(b"\xff\xd8\xff\xff\xff\xd0" + jpeg()[2:]).columns == 40


def changed(stream: bytes, place: int, value: bytes) -> bytes:
    return stream[:place] + value + stream[place + len(value) :]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (8, pack(">I", 0), "no size"),  # width
        (16, pack(">I", 40), "no size"),  # offset of the image
        (24, pack(">I", 0), "no size"),  # width of a tile
        (32, pack(">I", 5), "begins after"),  # offset of the tiles
        (40, pack(">H", 0), "no size"),  # components
    ],
)
def test_jpeg_2000_with_an_invalid_header_is_refused(place: int, value: bytes, words: str) -> None:
    with pytest.raises(CodestreamError, match=words):
        read(changed(j2k(no_jp2=True), place, value))


def test_jpeg_2000_with_too_many_tiles_is_refused() -> None:
    stream = changed(j2k(no_jp2=True), 8, pack(">II", 1000, 1000))
    with pytest.raises(CodestreamError, match=r"1,000,000 tiles"):
        read(changed(stream, 24, pack(">II", 1, 1)))


def test_components_with_different_precision_are_unsupported() -> None:
    with pytest.raises(UnsupportedCodestream, match="differ"):
        read(changed(j2k("RGB", no_jp2=True), 45, b"\x0f"))


def test_jpeg_2000_with_subsampled_components_is_recognised() -> None:
    assert read(changed(j2k("RGB", no_jp2=True), 46, b"\x02")).subsampled


def test_high_throughput_is_unsupported() -> None:
    stream = j2k(no_jp2=True)
    (length,) = unpack_from(">H", stream, 4)
    capabilities = b"\xff\x50" + pack(">HIH", 8, 0x00020000, 0)
    with pytest.raises(UnsupportedCodestream, match="High-Throughput"):
        read(stream[: 4 + length] + capabilities + stream[4 + length :])


def test_arithmetic_coding_is_unsupported() -> None:
    stream = jpeg()
    with pytest.raises(UnsupportedCodestream, match="arithmetic"):
        read(changed(stream, stream.index(b"\xff\xc0"), b"\xff\xc9"))


def test_second_frame_header_is_refused() -> None:
    stream = jpeg()
    start = stream.index(b"\xff\xc0")
    with pytest.raises(CodestreamError, match="more than one"):
        read(stream[:start] + stream[start : start + 13] + stream[start:])


def test_colour_transform_can_be_stated() -> None:
    stream = jpeg("RGB", comment=b"Doe^Jane")
    for transform in (True, False):
        other = codestream.with_colour_transform(stream, transform)
        assert read(other).transform is transform
        assert b"Doe" not in other
        assert b"JFIF" not in other


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8hello",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xe0\x00\x00",
        b"\xff\xd8\xff\xda\x00\x02",
        b"\xff\x4f\xff\x51\x00",
        b"\xff\x4f\xff\x51" + bytes(60),
        codestream.JP2_SIGNATURE + bytes(20),
        b"GIF89a",
    ],
)
def test_data_without_a_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(CodestreamError):
        read(stream)


def test_every_prefix_is_refused_or_read() -> None:
    for stream in (jpeg("RGB"), j2k("RGB", no_jp2=True), j2k("RGB")):
        for end in range(min(len(stream), 800)):
            try:
                assert read(stream[:end]).columns == 40
            except CodestreamError:
                continue
