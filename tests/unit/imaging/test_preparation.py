"""From files of every format to a model's input."""

import warnings
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.imaging import preparation
from chalicelib.tasks import InputSpec
from tests import images

GREY = InputSpec(width=64, height=96, channels=1, fit="pad")


def prepared(data: bytes, spec: InputSpec = GREY) -> np.ndarray:
    return imaging.prepare(data, spec).pixels


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_lossless_grey_of_the_right_size_passes_unchanged(kind: str) -> None:
    np.testing.assert_array_equal(prepared(images.grey_file(kind))[0], images.gradient())


def test_jpeg_is_close_to_the_encoded_image() -> None:
    difference = prepared(images.grey_file("JPEG", quality=95))[0] - images.gradient()
    assert abs(difference).max() <= 4


RGB = InputSpec(width=64, height=96, channels=3, fit="pad")


def test_array_has_the_shape_and_type_of_the_spec() -> None:
    for spec in (GREY, RGB, InputSpec(50, 40, 3, "stretch")):
        array = prepared(images.grey_file(height=33, width=77), spec)
        assert array.shape == spec.shape
        assert array.dtype == np.uint8


def test_big_endian_tiff_reads_like_little_endian() -> None:
    values = images.gradient(high=60000).astype(np.uint16)
    little = images.encode(Image.fromarray(values), "TIFF")
    image = Image.frombytes("I;16B", values.shape[::-1], values.astype(">u2").tobytes())
    big = images.encode(image, "TIFF")
    assert big[:2] == b"MM"
    np.testing.assert_array_equal(prepared(big), prepared(little))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_with_white_as_zero_is_inverted(dtype: type) -> None:
    values = images.gradient(high=np.iinfo(dtype).max)
    normal = images.encode(Image.fromarray(values.astype(dtype)), "TIFF")
    entry = (262).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    inverted = normal.replace(entry + b"\x01\x00", entry + b"\x00\x00")
    assert inverted != normal
    np.testing.assert_allclose(prepared(inverted), 255 - prepared(normal).astype(int), atol=1)


def test_float_tiff_is_stretched_over_its_range() -> None:
    values = images.gradient(low=-500, high=1500).astype(np.float32)
    array = prepared(images.encode(Image.fromarray(values), "TIFF"))[0]
    assert (array.min(), array.max()) == (0, 255)


@pytest.mark.parametrize("place", [(0, 0), (40, 40)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_that_is_not_a_number_does_not_affect_the_others(place: tuple[int, int], value: float) -> None:
    values = images.gradient(low=-500, high=1500).astype(np.float32)
    clean = prepared(images.encode(Image.fromarray(values), "TIFF"))[0].astype(int)
    values[place] = value
    spoilt = prepared(images.encode(Image.fromarray(values), "TIFF"))[0].astype(int)
    assert np.count_nonzero(abs(spoilt - clean) > 2) <= 1


def test_image_without_finite_samples_is_damaged() -> None:
    with pytest.raises(errors.DamagedImage):
        prepared(images.encode(Image.fromarray(np.full((96, 64), np.nan, np.float32)), "TIFF"))


def test_colour_is_kept_for_models_with_three_channels() -> None:
    array = prepared(images.encode(Image.fromarray(images.colours()), "PNG"), RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


def test_padding_is_black_and_its_box_is_returned() -> None:
    white = images.encode(Image.new("L", (100, 100), 255), "PNG")
    image = imaging.prepare(white, GREY)
    assert image.box == (0, 16, 64, 64)
    assert image.pixels[0, 16:80].min() == 255
    assert image.pixels[0, :16].max() == image.pixels[0, 80:].max() == 0


def test_stretching_fills_the_frame() -> None:
    image = imaging.prepare(images.grey_file(height=300, width=40), InputSpec(64, 96, 1, "stretch"))
    assert image.box == (0, 0, 64, 96)


def test_middle_page_of_a_tiff_is_used_and_reported() -> None:
    pages = [Image.new("L", (64, 96), 40 * number) for number in range(5)]
    image = imaging.prepare(images.encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]), GREY)
    assert (image.source.frame, image.source.frames) == (3, 5)
    assert set(np.unique(image.pixels)) == {80}


def test_jpeg_decoded_at_reduced_scale_looks_like_the_full_one() -> None:
    large = images.gradient(1536, 1024).astype(np.uint8)
    reduced = prepared(images.encode(Image.fromarray(large), "JPEG", quality=95))
    full = prepared(images.encode(Image.fromarray(large), "PNG"))
    np.testing.assert_allclose(reduced.astype(int), full.astype(int), atol=3)


def test_same_bytes_give_the_same_array() -> None:
    data = images.grey_file("JPEG", height=777, width=333)
    np.testing.assert_array_equal(prepared(data), prepared(data))


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", errors.EmptyImage, "empty"),
        (b"hello, this is text", errors.NotAnImage, "not an image"),
        (b"%PDF-1.7 and so on", errors.NotAnImage, "a PDF document"),
        (b"GIF89a" + bytes(50), errors.NotAnImage, "a GIF"),
        (b"PK\x03\x04" + bytes(50), errors.NotAnImage, "ZIP"),
        (b"--boundary\r\nContent-Disposition: form-data", errors.NotAnImage, "multipart"),
        (b"<!DOCTYPE html>", errors.NotAnImage, "HTML"),
        (bytes(500), errors.NotAnImage, "not an image"),
        (images.encode(Image.new("L", (1, 1)), "PNG"), errors.ImageTooSmall, "1 x 1"),
        (images.encode(Image.new("L", (500, 7)), "PNG"), errors.ImageTooSmall, "500 x 7"),
        (images.grey_file("JPEG")[:-200], errors.DamagedImage, "damaged or cut off"),
        (images.grey_file("PNG")[:200], errors.DamagedImage, "damaged or cut off"),
        (images.grey_file("TIFF")[:300], errors.DamagedImage, "damaged or cut off"),
        (b"\xff\xd8\xff\xe0", errors.DamagedImage, "damaged or cut off"),
        (b"\x89PNG\r\n\x1a\n", errors.DamagedImage, "damaged or cut off"),
        (images.png_bomb(12_000), errors.ImageTooLarge, "megapixels"),
        (images.png_bomb(30_000), errors.ImageTooLarge, "megapixels"),
    ],
)
def test_unusable_file_is_explained(data: bytes, error: type[errors.ImageError], words: str) -> None:
    with pytest.raises(error, match=words):
        imaging.prepare(data, GREY)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\xff\x0a" + bytes(50), "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x4f\xff\x51" + bytes(50), "JPEG 2000"),
        (b"RIFF\x99\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"GIF89a", "GIF"),
        (b"BM" + bytes(60), "Windows bitmap"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"RIFF\x99\x00\x00\x00AVI LIST", "a video"),
        (b"\x00\x00\x00\x14moov", "a video"),
        (b"\x1a\x45\xdf\xa3", "a video"),
        (b"PK\x05\x06" + bytes(18), "an empty ZIP"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\x00", "XZ"),
        (b"name.dcm".ljust(257, b"\0") + b"ustar", "tar"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office document"),
        (b"{\\rtf1 Dear colleague", "a text document"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"\r\n%PDF-1.4", "PDF"),
        (b"\xef\xbb\xbf<?xml", "XML"),
    ],
)
def test_other_formats_are_named(start: bytes, words: str) -> None:
    with pytest.raises(errors.NotAnImage, match=words):
        imaging.prepare(start, GREY)


def test_too_many_bytes_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MAX_FILE_BYTES", 100)
    with pytest.raises(errors.ImageTooLarge, match="at most 100"):
        imaging.prepare(images.grey_file(), GREY)


def test_text_of_png_and_exif_fields_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = images.PATIENT
    image = imaging.prepare(images.grey_file("JPEG", exif=exif), GREY)
    assert images.PATIENT not in repr(image.source)
    assert image.source.to_dict() == {"format": "JPEG", "rows": 96, "columns": 64}


def test_changed_byte_never_raises_another_error() -> None:
    data = images.grey_file("PNG")
    for position in range(0, len(data), 7):
        mutant = bytearray(data)
        mutant[position] ^= 0xFF
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                imaging.prepare(bytes(mutant), GREY)
            except errors.ImageError:
                continue


def test_real_images_are_prepared_alike_in_every_lossless_format(data_set: Path) -> None:
    paths = sorted(data_set.glob("mammography-views/*/*/*.jpg"))[::200]
    assert paths
    for path in paths:
        with Image.open(BytesIO(path.read_bytes())) as image:
            grey = image.convert("L")
        versions = [prepared(images.encode(grey, "PNG")), prepared(images.encode(grey, "TIFF"))]
        versions.append(
            prepared(
                images.dicom(
                    np.asarray(grey),
                    bits=8,
                    WindowCenter=127.5,
                    WindowWidth=255,
                    VOILUTFunction="LINEAR_EXACT",
                )
            )
        )
        for one, other in pairwise(versions):
            np.testing.assert_array_equal(one, other)
