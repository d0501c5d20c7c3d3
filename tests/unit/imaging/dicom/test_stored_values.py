"""Stored values of uncompressed and RLE-compressed frames, in either byte order."""

import struct
import tracemalloc
from io import BytesIO
from typing import Any

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    ExplicitVRBigEndian,
    RLELossless,
)

from chalicelib import errors, imaging
from chalicelib.imaging.dicom import attributes, elements, stored_values
from chalicelib.tasks import InputSpec
from tests import images
from tests.compression import compressed, streams, with_streams
from tests.unit.imaging.dicom.samples import (
    LEVELS,
    PORTRAIT,
    PORTRAIT_RGB,
    SMALL,
    SMALL_RGB,
    eight_bits,
    linear_window,
    prepared,
)


def test_full_colours_called_subsampled_are_read() -> None:
    colours = images.colours(32, 32)
    made = images.dicom_dataset(colours, "RGB", 8, PhotometricInterpretation="YBR_FULL_422")
    whole = imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels
    made.PhotometricInterpretation = "YBR_FULL"
    np.testing.assert_array_equal(
        imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels, whole
    )


def test_subsampled_colours_are_read() -> None:
    made = images.dicom_dataset(np.zeros((32, 32, 3), "u1"), "RGB", 8)
    made.PhotometricInterpretation = "YBR_FULL_422"
    made.PixelData = bytes([100, 120, 128, 128]) * (32 * 16)
    array = imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels
    assert array[:, 0, :2].tolist() == [[100, 120]] * 3


@pytest.mark.parametrize("bits", [1])
def test_single_bits_of_the_middle_frame_are_read(bits: int) -> None:
    """Frames of 9 x 9 bits do not start at a byte."""
    frames = np.zeros((3, 9, 9), "u1")
    frames[1, :, 4:] = 1
    made = images.dicom_dataset(np.zeros((9, 9), "u1"), bits=8)
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit, made.NumberOfFrames = 0, 3
    made.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes() + b"\x00"
    made.add(DataElement("PixelData", "OB", made.PixelData))
    image = imaging.prepare(images.dicom_file(made), InputSpec(9, 9, 1, "stretch"))
    np.testing.assert_array_equal(image.pixels[0], frames[1] * 255)


def test_signed_pixels_are_read() -> None:
    values = images.gradient(low=-1000, high=1000).astype(np.int16)
    array = prepared(images.dicom(values, bits=16, WindowCenter=0, WindowWidth=1000))[0]
    np.testing.assert_allclose(array, linear_window(values, 0, 1000), atol=0.51)


def test_rgb_is_read() -> None:
    array = prepared(images.dicom(images.colours(), "RGB", 8), PORTRAIT_RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize(("rows", "columns"), [(64, 63), (63, 64), (32, 40)])
def test_pixels_of_a_larger_image_are_refused(bits: int, rows: int, columns: int) -> None:
    pixels = np.full((64, 64), 77, np.uint8 if bits == 8 else np.uint16)
    with pytest.raises(errors.InvalidImage, match=rf"Rows {rows} and Columns {columns} need"):
        imaging.prepare(images.dicom(pixels, bits=bits, Rows=rows, Columns=columns), PORTRAIT)


def test_padding_after_the_pixels_is_ignored() -> None:
    dataset = images.dicom_dataset(np.full((64, 64), 77, np.uint16))
    plain = imaging.prepare(images.dicom_file(dataset), PORTRAIT)
    for padding in (bytes(4096), b"\x01" * 126):
        dataset.PixelData = dataset.PixelData[:8192] + padding
        assert np.array_equal(imaging.prepare(images.dicom_file(dataset), PORTRAIT).pixels, plain.pixels)


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_number_of_frames_that_may_be_a_date_is_not_quoted(is_cut_off: bool) -> None:
    data = images.dicom(images.gradient(64, 64).astype("u2"), bits=16, NumberOfFrames=19551224)
    with pytest.raises(errors.ImageError, match=r"8,19[02]") as caught:
        imaging.prepare(data[:-2] if is_cut_off else data, PORTRAIT)
    assert "many more" in caught.value.message
    assert f"{19551224 * 8192:,}" not in caught.value.message


def rle_file(values: NDArray[Any], bits: int, photometric: str = "MONOCHROME2") -> tuple[Any, bytes]:
    dataset = images.dicom_dataset(values, photometric, bits)
    dataset.compress(RLELossless, generate_instance_uid=False)
    return dataset, streams(images.dicom_file(dataset))[0]


@pytest.mark.parametrize("damage", ["short", "empty", "outside", "header"])
def test_rle_returns_no_uninitialised_memory(damage: str) -> None:
    dataset, stream = rle_file(images.gradient(32, 32, high=4000).astype("u2"), 12)
    head, body = stream[:64], stream[64:]
    broken = {
        "short": head + body[: len(body) // 2],
        "empty": head,
        "outside": head[:4] + (1 << 30).to_bytes(4, "little") + head[8:] + body,
        "header": stream[:40],
    }[damage]
    data = with_streams(dataset, RLELossless, [broken])
    with pytest.raises(errors.DamagedImage, match="RLE stream is damaged"):
        imaging.prepare(data, SMALL)


def test_rle_is_not_unpacked_beyond_its_plane() -> None:
    """Two bytes can expand to 128: this segment would have 256 MB."""
    dataset, stream = rle_file(images.quadrants(LEVELS, "u1"), 8)
    data = with_streams(dataset, RLELossless, [stream[:64] + b"\x81\x50" * 2_000_000])
    tracemalloc.start()
    with pytest.raises(errors.InvalidImage, match="more samples than Rows 32 and Columns 32"):
        imaging.prepare(data, InputSpec(32, 32, 1, "stretch"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64_000_000


def rle_stream(side: int, planes: int) -> bytes:
    """A stream of black planes of `side` x `side` pixels."""
    plane = b"\x81\x00" * (side * side // 128)
    offsets = [64 + number * len(plane) for number in range(planes)]
    return struct.pack("<16I", planes, *offsets, *[0] * (15 - planes)) + plane * planes


def test_rle_colours_need_little_memory() -> None:
    """The Lambda that decodes has less than three times that of 100 megapixels of 16-bit colour."""
    side = 1600
    dataset = images.dicom_dataset(np.zeros((32, 32, 3), "u2"), "RGB", 16)
    data = with_streams(dataset, RLELossless, [rle_stream(side, 6)], Rows=side, Columns=side)
    imaging.prepare(images.dicom_file(dataset), SMALL_RGB)  # imports
    tracemalloc.start()
    imaging.prepare(data, SMALL_RGB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * side * side * 6


def test_rle_that_would_not_fit_into_memory_is_too_large() -> None:
    dataset = images.dicom_dataset(np.zeros((32, 32, 3), "u2"), "RGB", 16)
    bits = {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}
    data = with_streams(dataset, RLELossless, [rle_stream(1600, 12)], Rows=10_000, Columns=10_000, **bits)
    with pytest.raises(errors.ImageTooLarge, match="10000 x 10000 pixels of 96 bits"):
        imaging.prepare(data, SMALL_RGB)


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (31, 32), (32, 31), (32, 16)])
def test_rle_of_a_larger_image_contradicts_its_header(rows: int, columns: int) -> None:
    """With another number of columns, every row would be shifted."""
    dataset, stream = rle_file(images.quadrants(LEVELS, "u1"), 8)
    data = with_streams(dataset, RLELossless, [stream], Rows=rows, Columns=columns)
    with pytest.raises(errors.InvalidImage, match=f"RLE stream .* more samples than Rows {rows} and Columns"):
        imaging.prepare(data, SMALL)


def test_rle_may_have_padding() -> None:
    dataset, stream = rle_file(images.quadrants(LEVELS, "u1"), 8)
    whole, padded = (with_streams(dataset, RLELossless, [stream + bytes(more)]) for more in (0, 512))
    np.testing.assert_array_equal(imaging.prepare(padded, SMALL).pixels, imaging.prepare(whole, SMALL).pixels)


def test_rle_with_other_segments_contradicts_its_header() -> None:
    dataset, stream = rle_file(images.quadrants(LEVELS, "u1"), 8)
    data = with_streams(dataset, RLELossless, [stream], BitsAllocated=16, BitsStored=16, HighBit=15)
    with pytest.raises(errors.InvalidImage, match="RLE stream contradicts its header: 1 segments"):
        imaging.prepare(data, SMALL)


@pytest.mark.parametrize("bits", [8, 16])
def test_rle_colours_are_read(bits: int) -> None:
    colours = images.colours(32, 32).astype(f"u{bits // 8}") * (257 if bits == 16 else 1)
    dataset, _ = rle_file(colours, bits, "RGB")
    array = imaging.prepare(images.dicom_file(dataset), SMALL_RGB).pixels
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours(32, 32))


def test_compressed_pixels_under_an_uncompressed_syntax_are_refused() -> None:
    data = bytearray(compressed(eight_bits(), gdcm.TransferSyntax.JPEG2000Lossless))
    place = data.index(b"1.2.840.10008.1.2.4.90")
    data[place : place + 22] = b"1.2.840.10008.1.2.1\x00\x00\x00"
    with pytest.raises(errors.InvalidImage, match="is compressed, but its transfer syntax says Explicit VR"):
        imaging.prepare(bytes(data), SMALL)


def big_endian_file(values: NDArray[Any], representation: str, *, bits: int | None = None) -> bytes:
    """A file with OW words (PS3.5 8.1.1): the first of two 8-bit samples is in the lower half."""
    is_colour = values.shape[-1] == 3
    frames = values if bits != 1 else np.zeros(values.shape, "u1")
    dataset = images.dicom_dataset(frames, "RGB" if is_colour else "MONOCHROME2", 8 * values.itemsize)
    content = np.packbits(values, bitorder="little").tobytes() if bits == 1 else values.tobytes()
    content += b"\x00" * (len(content) % 2)
    if values.itemsize == 2 or representation == "OW":
        content = np.frombuffer(content, "u2").byteswap().tobytes()
    if bits:
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit = bits - 1
    dataset["PixelData"] = DataElement("PixelData", representation, content)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=False)
    return file.getvalue()


def stored_frame(data: bytes) -> NDArray[Any]:
    file = elements.read(data)
    image = attributes.image_pixel(file.dataset, "PixelData")
    return stored_values.read_frame(file, image, ExplicitVRBigEndian).values


@pytest.mark.parametrize("representation", ["OB", "OW"])
@pytest.mark.parametrize("size", [(9, 11), (9, 10), (9, 11, 3)], ids=["odd", "even", "odd, in colour"])
@pytest.mark.parametrize("frames", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_middle_frame_equals_that_of_pydicom(
    representation: str, size: tuple[int, ...], frames: int, dtype: str
) -> None:
    values = np.arange(frames * int(np.prod(size)), dtype=dtype).reshape(frames, *size) + 3
    data = big_endian_file(values if frames > 1 else values[0], representation)
    np.testing.assert_array_equal(stored_frame(data), values[frames // 2])
    theirs = pixel_array(dcmread(BytesIO(data)), index=frames // 2 if frames > 1 else None, raw=True)
    np.testing.assert_array_equal(stored_frame(data), theirs)


@pytest.mark.parametrize("representation", ["OB", "OW"])
def test_single_bits_in_words_are_read(representation: str) -> None:
    values = np.random.default_rng(3).integers(0, 2, (3, 9, 9)).astype("u1")
    np.testing.assert_array_equal(stored_frame(big_endian_file(values, representation, bits=1)), values[1])
