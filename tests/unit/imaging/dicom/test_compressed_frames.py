"""Compressed frames: every supported codec, and streams that differ from the DICOM header."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
)

from chalicelib import errors, imaging
from chalicelib.imaging.dicom import decoder
from tests import images, unwritten_memory
from tests.compression import LOSSLESS, compressed, relabelled, streams, with_streams
from tests.unit.imaging.dicom.samples import (
    LEVELS,
    PORTRAIT,
    PORTRAIT_RGB,
    SMALL,
    SMALL_RGB,
    TEST_FILES,
    corners,
    eight_bits,
    prepared,
    twelve_bits,
)

LOSSLESS_SYNTAXES = {
    "RLE Lossless": gdcm.TransferSyntax.RLELossless,
    "JPEG Lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "JPEG Lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
}


@pytest.mark.parametrize("syntax", LOSSLESS_SYNTAXES.values(), ids=LOSSLESS_SYNTAXES.keys())
@pytest.mark.parametrize("kind", ["12 bits", "8 bits", "signed", "RGB", "YBR_FULL"])
def test_lossless_compression_keeps_all_values(syntax: int, kind: str) -> None:
    data = {
        "12 bits": lambda: images.dicom(twelve_bits(), WindowCenter=2048, WindowWidth=4096),
        "8 bits": lambda: images.dicom(images.gradient().astype(np.uint8), bits=8),
        "signed": lambda: images.dicom(images.gradient(low=-900, high=900).astype(np.int16), bits=16),
        "RGB": lambda: images.dicom(images.colours(), "RGB", 8),
        "YBR_FULL": lambda: images.dicom(images.colours(), "YBR_FULL", 8),
    }[kind]()
    spec = PORTRAIT_RGB if kind in ("RGB", "YBR_FULL") else PORTRAIT
    packed = compressed(data, syntax)
    assert packed != data
    np.testing.assert_allclose(
        prepared(packed, spec).astype(int), prepared(data, spec), atol=1 if kind == "YBR_FULL" else 0
    )


@pytest.mark.parametrize(
    "name", ["JPEGBaselineProcess1", "JPEGExtendedProcess2_4", "JPEG2000", "JPEGLSNearLossless"]
)
def test_lossy_compression_stays_close(name: str) -> None:
    data = images.dicom(images.gradient().astype(np.uint8), bits=8, WindowCenter=128, WindowWidth=256)
    packed = compressed(data, getattr(gdcm.TransferSyntax, name))
    np.testing.assert_allclose(prepared(packed).astype(int), prepared(data), atol=6)


def test_extended_jpeg_with_twelve_bits_is_read() -> None:
    """A file of a real device, because no free encoder writes this syntax."""
    image = imaging.prepare((TEST_FILES / "JPGExtended.dcm").read_bytes(), PORTRAIT)
    assert image.source.transfer_syntax == "JPEG Extended (Process 2 and 4)"
    assert len(np.unique(image.pixels)) > 50


def test_jpeg_2000_gets_the_sign_of_the_dicom_header() -> None:
    data = (TEST_FILES / "J2K_pixelrep_mismatch.dcm").read_bytes()
    dataset = pydicom.dcmread(BytesIO(data))
    native = images.dicom(
        pixel_array(dataset, decoding_plugin="pylibjpeg"),
        bits=16,
        RescaleSlope=dataset.RescaleSlope,
        RescaleIntercept=dataset.RescaleIntercept,
        **{key: dataset[key].value for key in ("WindowCenter", "WindowWidth") if key in dataset},
    )
    np.testing.assert_array_equal(prepared(data), prepared(native))


@pytest.fixture
def no_dicomsdl(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Python 3.14, for which it has no package."""
    monkeypatch.setattr(decoder, "is_available", lambda: False)


@pytest.mark.usefixtures("no_dicomsdl")
@pytest.mark.parametrize("codec", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_syntaxes_of_dicomsdl_are_refused_by_name_without_it(codec: int) -> None:
    packed = compressed(images.dicom(twelve_bits()), codec)
    syntax = pydicom.dcmread(BytesIO(packed)).file_meta.TransferSyntaxUID.name
    with pytest.raises(
        errors.UnsupportedImage,
        match=rf"\({re.escape(syntax)}\) .* its decoder needs Python 3\.12 or 3\.13\.",
    ):
        prepared(packed)


@pytest.mark.usefixtures("no_dicomsdl")
def test_lossless_jpeg_called_baseline_is_refused_without_dicomsdl() -> None:
    """ "Try again" would be wrong: it can never be read."""
    with pytest.raises(errors.UnsupportedImage, match=r"its decoder needs Python 3\.12 or 3\.13"):
        prepared(called_baseline())


@pytest.mark.usefixtures("no_dicomsdl")
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
def test_eight_bit_jpeg_is_read_without_dicomsdl(syntax: str) -> None:
    stream = images.encode(Image.fromarray(images.quadrants(LEVELS, "u1")), "JPEG", quality=100)
    dataset = images.dicom_dataset(images.quadrants(LEVELS, "u1"), bits=8)
    found = corners(with_streams(dataset, syntax, [stream]))
    np.testing.assert_allclose(found, corners(eight_bits()), atol=2)


@pytest.mark.usefixtures("no_dicomsdl")
@pytest.mark.parametrize("kind", ["uncompressed", "RLE"])
def test_other_syntaxes_are_read_without_dicomsdl(kind: str) -> None:
    data = images.dicom(twelve_bits(), WindowCenter=2048, WindowWidth=4096)
    packed = compressed(data, gdcm.TransferSyntax.RLELossless) if kind == "RLE" else data
    np.testing.assert_array_equal(prepared(packed), prepared(data))


@pytest.mark.parametrize("syntax", LOSSLESS_SYNTAXES.values(), ids=LOSSLESS_SYNTAXES.keys())
def test_frame_larger_than_in_its_header_is_refused(syntax: int) -> None:
    dataset = pydicom.dcmread(BytesIO(compressed(images.dicom(twelve_bits()), syntax)))
    dataset.Rows = dataset.Columns = 16
    with pytest.raises(errors.DamagedImage):
        prepared(images.dicom_file(dataset))


def test_missing_samples_per_pixel_does_not_reach_the_decoder() -> None:
    """The decoder used to write three planes into memory for one."""
    dataset = pydicom.dcmread(
        BytesIO(
            compressed(images.dicom(images.colours(), "RGB", 8), gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        )
    )
    del dataset.SamplesPerPixel
    with pytest.raises(errors.DamagedImage):
        prepared(images.dicom_file(dataset))


each_codec = pytest.mark.parametrize("codec", LOSSLESS.values(), ids=LOSSLESS.keys())


@each_codec
@pytest.mark.parametrize("stored", [8, 12, 16])
def test_stream_of_eight_bits_in_sixteen_is_read(codec: int, stored: int) -> None:
    data = relabelled(
        compressed(eight_bits(), codec), BitsAllocated=16, BitsStored=stored, HighBit=stored - 1
    )
    assert corners(data) == list(LEVELS)


@each_codec
def test_colours_of_eight_bits_in_sixteen_are_read(codec: int) -> None:
    colours = images.colours(32, 32)
    data = relabelled(
        compressed(images.dicom(colours, "RGB", 8), codec), BitsAllocated=16, BitsStored=16, HighBit=15
    )
    np.testing.assert_array_equal(imaging.prepare(data, SMALL_RGB).pixels.transpose(1, 2, 0), colours)


def sixteen_bits() -> bytes:
    return images.dicom(images.quadrants([0, 20_000, 40_000, 65_535], "u2"), bits=16)


@each_codec
def test_stream_of_sixteen_bits_in_eight_is_refused_by_name(codec: int) -> None:
    data = relabelled(compressed(sixteen_bits(), codec), BitsAllocated=8, BitsStored=8, HighBit=7)
    with pytest.raises(errors.InvalidImage, match="contradicts its header: 16 bits against BitsAllocated 8"):
        imaging.prepare(data, SMALL)


@each_codec
def test_stream_of_more_bits_than_stored_is_read(codec: int) -> None:
    data = relabelled(compressed(sixteen_bits(), codec), BitsStored=12, HighBit=11)
    assert corners(data) == [0, 78, 156, 255]


@each_codec
@pytest.mark.parametrize("change", [{"Rows": 31}, {"Rows": 64}, {"Columns": 16}, {"Columns": 500}])
def test_stream_of_another_size_is_refused_by_name(codec: int, change: dict[str, int]) -> None:
    data = relabelled(compressed(eight_bits(), codec), **change)
    with pytest.raises(errors.InvalidImage, match="contradicts its header: 32 x 32 pixels against Columns"):
        imaging.prepare(data, SMALL)


@each_codec
def test_stream_with_other_components_is_refused_by_name(codec: int) -> None:
    grey = relabelled(
        compressed(eight_bits(), codec), SamplesPerPixel=3, PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
    )  # fmt: skip
    with pytest.raises(errors.InvalidImage, match="1 components against SamplesPerPixel 3"):
        imaging.prepare(grey, SMALL)
    colour = compressed(images.dicom(images.colours(32, 32), "RGB", 8), codec)
    with pytest.raises(errors.InvalidImage, match="3 components against SamplesPerPixel 1"):
        imaging.prepare(relabelled(colour, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2"), SMALL)


@pytest.mark.parametrize(
    ("codec", "label"),
    [
        ("JPEG-LS", JPEGBaseline8Bit),
        ("JPEG-LS", JPEG2000Lossless),
        ("JPEG 2000", JPEGLSLossless),
        ("JPEG Lossless", JPEG2000Lossless),
    ],
)
def test_stream_of_another_standard_is_refused_by_name(codec: str, label: str) -> None:
    (stream,) = streams(compressed(eight_bits(), LOSSLESS[codec]))
    data = with_streams(images.dicom_dataset(images.quadrants(LEVELS, "u1"), bits=8), label, [stream])
    with pytest.raises(errors.InvalidImage, match=r"contradicts its header: the transfer syntax promises"):
        imaging.prepare(data, SMALL)


def test_lossless_jpeg_called_baseline_is_read() -> None:
    """Writers confuse the processes of JPEG; the stream states the right one."""
    assert corners(called_baseline()) == [0, 78, 156, 255]


def called_baseline() -> bytes:
    (stream,) = streams(compressed(sixteen_bits(), gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    dataset = images.dicom_dataset(images.quadrants([0, 1, 2, 3], "u2"), bits=16)
    return with_streams(dataset, JPEGBaseline8Bit, [stream])


def codec_uid(codec: int) -> str:
    return str(gdcm.TransferSyntax(codec).GetString())


@each_codec
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_stream_is_reported_as_damaged(codec: int, share: float) -> None:
    data = images.dicom(images.gradient(32, 32, high=65_535).astype("u2"), bits=16)
    (stream,) = streams(compressed(data, codec))
    syntax = codec_uid(codec)
    cut = with_streams(
        images.dicom_dataset(images.gradient(32, 32).astype("u2"), bits=16), syntax,
        [stream[: int(len(stream) * share)]],
    )  # fmt: skip
    with pytest.raises(errors.DamagedImage, match="stream"):
        imaging.prepare(cut, SMALL)


@each_codec
def test_negative_values_are_kept(codec: int) -> None:
    values = images.quadrants([-1000, -1, 1, 1000], "i2")
    window: dict[str, Any] = {"WindowCenter": 0, "WindowWidth": 2001}
    plain = images.dicom(values, bits=16, **window)
    assert corners(compressed(plain, codec)) == corners(plain)


@each_codec
def test_negative_bytes_are_kept(codec: int) -> None:
    plain = images.dicom(images.quadrants([-64, -1, 1, 63], "i1"), bits=8)
    assert corners(compressed(plain, codec)) == corners(plain) == [0, 126, 131, 255]


@each_codec
def test_negative_values_of_fewer_stored_bits_are_kept(codec: int) -> None:
    """Padding below the range of the stored bits is common in CT."""
    window: dict[str, Any] = {"WindowCenter": 0, "WindowWidth": 8001}
    plain = images.dicom(images.quadrants([-3000, -1, 1, 2000], "i2"), bits=16, **window)
    assert corners(relabelled(compressed(plain, codec), BitsStored=12, HighBit=11)) == corners(plain)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "YBR_RCT", "RGB"])
def test_jpeg_2000_transform_is_undone_once(photometric: str) -> None:
    """The decoder returns RGB, regardless of the header."""
    colours = images.colours(32, 32)
    stream = images.encode(Image.fromarray(colours), "JPEG2000", no_jp2=True, mct=1, irreversible=False)
    dataset = images.dicom_dataset(colours, "RGB", 8)
    data = with_streams(dataset, JPEG2000Lossless, [stream], PhotometricInterpretation=photometric)
    np.testing.assert_array_equal(imaging.prepare(data, SMALL_RGB).pixels.transpose(1, 2, 0), colours)


@pytest.mark.parametrize("codec", ["JPEG 2000", "JPEG-LS", "JPEG Lossless SV1"])
def test_ycbcr_without_a_transform_is_converted(codec: str) -> None:
    colours = np.kron(np.array([[[255, 0, 0], [0, 0, 255]]], "u1"), np.ones((32, 16, 1), "u1"))
    ybr = np.asarray(Image.fromarray(colours).convert("YCbCr"))
    # The colours are declared as RGB so that GDCM leaves them unchanged.
    data = compressed(images.dicom(ybr, "RGB", 8), LOSSLESS[codec])
    if codec == "JPEG 2000":
        stream = images.encode(Image.fromarray(ybr), "JPEG2000", no_jp2=True, mct=0, irreversible=False)
        data = with_streams(images.dicom_dataset(ybr, "RGB", 8), JPEG2000Lossless, [stream])
    for photometric in ("YBR_FULL", "YBR_FULL_422"):
        array = imaging.prepare(relabelled(data, PhotometricInterpretation=photometric), SMALL_RGB).pixels
        np.testing.assert_allclose(array.transpose(1, 2, 0).astype(int), colours, atol=2)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_baseline_colours_are_read(photometric: str, subsampling: str) -> None:
    colours = images.colours(32, 32)
    stream = images.encode(Image.fromarray(colours), "JPEG", quality=98, subsampling=subsampling)
    data = with_streams(
        images.dicom_dataset(colours, "RGB", 8), JPEGBaseline8Bit, [stream],
        PhotometricInterpretation=photometric,
    )  # fmt: skip
    array = imaging.prepare(data, SMALL_RGB).pixels.transpose(1, 2, 0)
    np.testing.assert_allclose(array.astype(int), colours, atol=12)


def test_subsampled_baseline_called_rgb_is_ycbcr() -> None:
    colours = images.colours(32, 32)
    stream = images.encode(Image.fromarray(colours), "JPEG", quality=98, subsampling="4:2:0")
    data = with_streams(images.dicom_dataset(colours, "RGB", 8), JPEGBaseline8Bit, [stream])
    array = imaging.prepare(data, SMALL_RGB).pixels.transpose(1, 2, 0)
    np.testing.assert_allclose(array.astype(int), colours, atol=12)


@pytest.mark.parametrize("end", [b"", bytes(2)])
@pytest.mark.parametrize("progressive", [False, True])
def test_jfif_baseline_called_rgb_is_ycbcr(progressive: bool, end: bytes) -> None:
    """A JFIF marker implies YCbCr with any subsampling, as in pydicom."""
    colours = images.colours(32, 32)
    picture = Image.fromarray(colours)
    stream = images.encode(picture, "JPEG", quality=98, subsampling="4:4:4", progressive=progressive)
    assert stream[6:10] == b"JFIF"
    data = with_streams(images.dicom_dataset(colours, "RGB", 8), JPEGBaseline8Bit, [stream + end])
    array = imaging.prepare(data, SMALL_RGB).pixels.transpose(1, 2, 0)
    np.testing.assert_allclose(array.astype(int), colours, atol=6)


def test_deep_colours_of_jpeg_2000_are_refused_by_name() -> None:
    deep = images.colours(32, 32).astype(np.uint16) * 257
    data = compressed(images.dicom(deep, "RGB", 16), gdcm.TransferSyntax.JPEG2000Lossless)
    with pytest.raises(errors.UnsupportedImage, match=r"JPEG 2000 stream has 3 component\(s\) of 16 bits"):
        imaging.prepare(data, SMALL_RGB)


def resized(stream: bytes, side: int) -> bytes:
    """A JPEG 2000 codestream that states another size of the image and its tile."""
    changed = bytearray(stream)
    changed[8:16] = changed[24:32] = side.to_bytes(4, "big") * 2
    return bytes(changed)


@pytest.mark.parametrize("side", [7_000, 10_000])
@pytest.mark.parametrize("is_damaged", [False, True])
def test_image_beyond_the_decoders_memory_is_too_large(side: int, is_damaged: bool) -> None:
    """Only decoding the stream would show damage."""
    stream = resized(images.encode(Image.new("RGB", (32, 32)), "JPEG2000", no_jp2=True), side)
    data = with_streams(
        images.dicom_dataset(images.colours(32, 32), "RGB", 8), JPEG2000Lossless,
        [stream[:-9] + b"\xff\xd9" if is_damaged else stream], Rows=side, Columns=side,
    )  # fmt: skip
    if is_damaged:  # the lengths in the stream show the damage
        with pytest.raises(errors.DamagedImage, match=r"JPEG 2000 stream is damaged: a tile-part .* cut off"):
            imaging.prepare(data, SMALL)
    else:
        with pytest.raises(
            errors.ImageTooLarge,
            match=rf"stream of {side} x {side} .* too much memory \([12],\d+ MB, and at most 1,073 MB are",
        ):
            imaging.prepare(data, SMALL)


@each_codec
def test_same_bytes_give_the_same_array_in_any_order(codec: int) -> None:
    """A large picture of one level; remains of it would be visible."""
    poison = compressed(images.dicom(np.full((1024, 1024), 0xABCD, "u2"), bits=16), codec)
    tests = [
        compressed(sixteen_bits(), codec),
        relabelled(compressed(eight_bits(), codec), BitsAllocated=16, BitsStored=16, HighBit=15),
    ]
    for data in tests:
        first = imaging.prepare(data, SMALL).pixels
        for _ in range(3):
            imaging.prepare(poison, SMALL)
            np.testing.assert_array_equal(imaging.prepare(data, SMALL).pixels, first)


def test_uninitialised_memory_is_never_returned(tmp_path: Path) -> None:
    ramp = images.dicom(images.gradient(32, 32, high=65_535).astype("u2"), bits=16)
    files: dict[str, bytes] = {}
    for name, codec in LOSSLESS.items():
        (stream,) = streams(compressed(ramp, codec))
        made = images.dicom_dataset(images.gradient(32, 32).astype("u2"), bits=16)
        variants = [
            relabelled(compressed(eight_bits(), codec), BitsAllocated=16, BitsStored=16, HighBit=15),
            with_streams(made, codec_uid(codec), [stream[: len(stream) * 2 // 3]]),
            with_streams(made, codec_uid(codec), [stream[: len(stream) // 2] + b"\xff\xd9"]),
            with_streams(made, codec_uid(codec), [stream[:-40] + bytes(38) + b"\xff\xd9"]),
        ]
        files |= {f"{name}-{number}.dcm": data for number, data in enumerate(variants)}
    unwritten_memory.check(tmp_path, files, channels=1)


def test_every_prefix_of_a_file_is_read_or_refused() -> None:
    data = compressed(sixteen_bits(), gdcm.TransferSyntax.JPEG2000Lossless)
    for end in range(0, len(data), 41):
        with pytest.raises(errors.ImageError):
            imaging.prepare(data[:end], SMALL)
    assert BytesIO(data).read() == data
