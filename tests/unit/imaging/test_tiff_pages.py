"""The choice of a TIFF page, and damaged or inconsistent files."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib import errors, imaging
from chalicelib.imaging.tiff import directory
from chalicelib.tasks import InputSpec
from tests import unwritten_memory
from tests.tiff_files import LEVELS, Page, Tags, compress, levels_file, squares, stored, tiff
from tests.unit.imaging.test_tiff import COMPRESSIONS, RAMP, jpeg_stream, levels

IMAGE, OTHER = squares(LEVELS), squares([9, 9, 9, 9])
SMALL = squares([9, 9, 9, 9], side=4)


def shown(data: bytes) -> tuple[list[int], int | None, int | None]:
    """The levels of the four squares, the number of the page and that of all images."""
    prepared = imaging.prepare(data, RAMP)
    return prepared.pixels[0, 0, ::8].tolist(), prepared.source.frame, prepared.source.frames


@pytest.mark.parametrize(
    "mark", [{254: 1}, {254: 4}, {254: 5}, {255: 2}, {262: 4}, {254: 4, 262: 4}], ids=str
)
@pytest.mark.parametrize("image_first", [True, False])
def test_reduced_images_and_masks_are_skipped(mark: Tags, image_first: bool) -> None:
    pages = [Page(IMAGE, {254: 0}), Page(OTHER, mark), Page(OTHER, mark)]
    assert shown(tiff(*(pages if image_first else pages[::-1]))) == ([*LEVELS], None, None)


@pytest.mark.parametrize("places", [(0,), (1,), (2,)])
def test_unmarked_pyramid_levels_are_skipped(places: tuple[int]) -> None:
    pages = [Page(SMALL), Page(SMALL[::2, ::2])]
    pages.insert(places[0], Page(IMAGE))
    assert shown(tiff(*pages)) == ([*LEVELS], None, None)


@pytest.mark.parametrize("places", [(0, 0), (0, 2), (1, 1)])
def test_smaller_pages_of_other_shapes_are_skipped(places: tuple[int, int]) -> None:
    """Square thumbnails, and photos of slides and their labels."""
    pages = [Page(IMAGE)]
    for place, other in zip(places, (OTHER[:, :8], np.tile(OTHER[:, :10], (3, 1))), strict=True):
        pages.insert(place, Page(other))
    assert shown(tiff(*pages)) == ([*LEVELS], None, None)


@pytest.mark.parametrize(
    "other",
    [
        Page(OTHER),
        Page(OTHER.astype(np.uint16)),
        Page(OTHER.astype(np.float32)),
        Page(OTHER.astype(np.int16)),
        Page(np.stack([OTHER, OTHER], axis=-1), {338: 0}),
    ],
    ids=["grey", "16 bits", "floats", "signed", "two samples"],
)
def test_pages_of_another_sample_type_are_skipped(other: Page) -> None:
    """Masks and maps that are not marked; the image comes first."""
    image = Page(np.stack([IMAGE] * 3, axis=-1))
    assert shown(tiff(image, other, other)) == ([*LEVELS], None, None)


@pytest.mark.parametrize("image_first", [True, False])
def test_unmarked_page_of_single_bits_is_a_mask(image_first: bool) -> None:
    pages = [Page(IMAGE), Page(OTHER & 1, bits=1)]
    assert shown(tiff(*(pages if image_first else pages[::-1]))) == ([*LEVELS], None, None)
    assert levels(tiff(Page(IMAGE & 1, bits=1))) == [0, 0, 0, 255]


def test_middle_one_of_several_images_is_used() -> None:
    pages = [Page(OTHER), Page(OTHER, {254: 1}), Page(IMAGE), Page(OTHER, {254: 1}), Page(OTHER)]
    assert shown(tiff(*pages)) == ([*LEVELS], 2, 3)


def test_largest_reduced_image_is_used_without_a_full_one() -> None:
    assert shown(tiff(Page(SMALL, {254: 1}), Page(IMAGE, {254: 1}))) == ([*LEVELS], None, None)


def test_images_in_sub_directories_are_used() -> None:
    """A thumbnail in SubIFDs is skipped; DNG files have the image there and the thumbnail in the chain."""
    beside = tiff(Page(OTHER))
    start = len(tiff(Page(IMAGE, {330: 0})))
    in_place = beside[8:]
    assert levels(tiff(Page(IMAGE, {330: start})) + in_place) == [*LEVELS]
    start = len(tiff(Page(SMALL, {254: 1, 330: 0})))
    full = _moved(Page(IMAGE, {254: 0}), start)
    assert shown(tiff(Page(SMALL, {254: 1, 330: start})) + full) == ([*LEVELS], None, None)


def _moved(page: Page, start: int) -> bytes:
    """A directory and its samples, placed `start` bytes into a file."""
    plain = tiff(page)
    strip = plain.index(page.samples.tobytes())
    return tiff(Page(page.samples, {**page.tags, 273: strip - 8 + start}))[8:]


def test_too_many_pages_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_MAX_PAGES", 3)
    levels(tiff(*[Page(IMAGE)] * 3))
    with pytest.raises(errors.UnsupportedImage, match="more than 3 pages"):
        levels(tiff(*[Page(IMAGE)] * 4))


def refused(data: bytes, words: str, error: type[errors.ImageError] = errors.DamagedImage) -> None:
    with pytest.raises(error, match=words) as caught:
        levels(data)
    assert type(caught.value) is error
    assert len(caught.value.message) < 250


def test_pages_in_a_loop_are_refused() -> None:
    refused(tiff(Page(IMAGE), end=8), "its pages form a loop")
    refused(tiff(Page(IMAGE), Page(OTHER), end=8), "its pages form a loop")


def test_page_outside_the_file_is_refused() -> None:
    refused(tiff(Page(IMAGE), end=1 << 20), "a directory lies outside the file")
    refused(b"II*\0" + struct.pack("<I", 9999), "a directory lies outside the file")
    refused(b"II*\0" + struct.pack("<I", 0), "has no page", errors.InvalidImage)
    refused(b"II*\0" + struct.pack("<IHI", 8, 0, 0), "has 0 entries", errors.InvalidImage)
    refused(b"II*\0", "a directory lies outside")
    refused(b"II+\0" + struct.pack("<HHQ", 4, 0, 16), "offsets", errors.InvalidImage)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({256: 0}, r"ImageWidth \(256\) of this TIFF file is 0"),
        ({257: 0}, r"ImageLength \(257\) of this TIFF file is 0"),
        ({278: 0}, r"RowsPerStrip \(278\)"),
        ({278: 1}, r"StripOffsets \(273\) of this TIFF file lists 1 of 8 strips"),
        ({273: []}, "StripOffsets .* lists 0 of 1 strips"),
        ({278: 4, 273: [200, 300]}, "StripByteCounts .* lists 1 of 2 strips"),
        ({258: 0}, r"BitsPerSample \(258\) of this TIFF file is 0"),
        ({277: 3, 262: 2, 258: [8, 8]}, r"BitsPerSample .* has 2 values for 3 samples"),
        ({262: 2}, r"SamplesPerPixel \(277\) of this TIFF file is 1"),
        ({262: 3}, r"ColorMap \(320\) of this TIFF file has 0 entries"),
        ({284: 3}, r"PlanarConfiguration \(284\) of this TIFF file is 3"),
        ({266: 0}, r"FillOrder \(266\)"),
        ({339: 7}, r"SampleFormat \(339\) of this TIFF file is 7"),
        ({322: 16, 323: 0}, r"TileLength \(323\)"),
        ({322: 16}, r"TileLength \(323\) of this TIFF file is missing"),
        ({262: 6, 277: 3, 530: [3, 1]}, r"YCbCrSubSampling \(530\)"),
        ({262: 6, 277: 3, 530: [1, 1], 532: [1, 1]}, r"ReferenceBlackWhite \(532\)"),
        ({262: 6, 277: 3, 530: [1, 1], 529: [1, 1, 1, 0, 1, 1]}, r"YCbCrCoefficients \(529\)"),
        ({257: b"8"}, r"ImageLength \(257\) of this TIFF file is no integer"),
        ({320: b"Doe^Jane", 262: 3}, r"ColorMap \(320\) of this TIFF file is no integer"),
    ],
)
def test_tags_that_contradict_each_other_are_named(tags: Any, words: str) -> None:
    refused(levels_file(LEVELS, tags=tags), words, errors.InvalidImage)


@pytest.mark.parametrize("tag", [256, 257, 262])
def test_missing_tag_is_named(tag: int) -> None:
    data = levels_file(LEVELS)
    entry = struct.pack("<H", tag)
    refused(
        data.replace(entry, struct.pack("<H", 65000), 1), rf"\({tag}\) .* is missing", errors.InvalidImage
    )


def test_strip_outside_the_file_is_refused() -> None:
    data = levels_file(LEVELS, strip=2)
    refused(data[:-1], r"strip 4 of 4 lies \(partly\) outside the file")
    refused(levels_file(LEVELS, tags={273: 1 << 30}), "strip 1 of 1 lies")
    refused(levels_file(LEVELS, tags={273: 0}), "strip 1 of 1 has no data")
    refused(levels_file(LEVELS, tags={279: 255}), "strip 1 of 1 is shorter")
    refused(levels_file(LEVELS, tags={279: 0}), "strip 1 of 1 is shorter")


def test_values_outside_the_file_are_refused() -> None:
    data = levels_file(LEVELS, strip=2)
    at = data.index(struct.pack("<HHI", 273, 4, 4)) + 8
    refused(
        data[:at] + struct.pack("<I", 1 << 30) + data[at + 4 :], r"StripOffsets \(273\) lie outside the file"
    )


def test_strip_sizes_may_be_missing_without_compression() -> None:
    data = levels_file(LEVELS)
    entry = struct.pack("<H", 279)
    assert levels(data.replace(entry, struct.pack("<H", 280), 1)) == [*LEVELS]


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=COMPRESSIONS.get)
@pytest.mark.parametrize("cut", [{"strip": 4}, {"tile": (16, 16)}], ids=["strips", "tiles"])
def test_strip_or_tile_that_is_too_short_is_refused(compression: int, cut: Any) -> None:
    samples = np.arange(256, dtype=np.uint8).reshape(8, 32) ** 3
    page = Page(samples, compression=compression, **cut)
    rows = 4 if "strip" in cut else 16
    row = np.pad(samples, ((0, 16), (0, 0)))[:, : cut.get("tile", (0, 32))[1]]
    whole = [compress(stored(row[n : n + rows, :, None], page, "<"), compression) for n in (0, 4)]
    for short in (
        whole[1][: len(whole[1]) * 2 // 3],
        whole[1][:3],
        b"",
        compress(stored(row[: rows - 1, :, None], page, "<"), compression),
    ):
        segments = [whole[0], short]
        refused(tiff(Page(samples, compression=compression, segments=segments, **cut)), "[12] of 2 ")


def test_damaged_strip_with_a_checksum_is_refused() -> None:
    good = compress(stored(IMAGE[..., None], Page(IMAGE), "<"), 8)
    bad = good[:-1] + bytes([good[-1] ^ 1])
    refused(tiff(Page(IMAGE, compression=8, segments=[bad])), "strip 1 of 1 is damaged")


def test_jpeg_of_another_size_is_refused() -> None:
    stream = jpeg_stream(IMAGE[:, :16], "L")
    words = "strip 1 of this TIFF file has another size than the tags say"
    refused(tiff(Page(IMAGE, {262: 1}, 7, segments=[stream])), words, errors.InvalidImage)
    colour = jpeg_stream(np.stack([IMAGE] * 3, axis=-1), "RGB")
    refused(tiff(Page(IMAGE, {262: 1}, 7, segments=[colour])), words, errors.InvalidImage)


def test_lossless_jpeg_is_not_supported_rather_than_damaged() -> None:
    stream = jpeg_stream(IMAGE, "L").replace(b"\xff\xc0", b"\xff\xc3", 1)
    refused(
        tiff(Page(IMAGE, {262: 1}, 7, segments=[stream])), "unsupported kind of JPEG", errors.UnsupportedImage
    )


def test_size_is_checked_before_decoding() -> None:
    big = {256: 20_000, 257: 20_000, 278: 20_000}
    refused(levels_file(LEVELS, tags=big), "megapixels", errors.ImageTooLarge)
    refused(
        levels_file(LEVELS, tags={322: 1 << 20, 323: 1 << 20}), "tile .* megapixels", errors.ImageTooLarge
    )
    refused(tiff(Page(IMAGE[:4])), "at least 8 x 8", errors.ImageTooSmall)


def test_every_prefix_of_a_file_is_damaged() -> None:
    data = tiff(Page(IMAGE, compression=5, strip=2), Page(IMAGE, compression=8, tile=(16, 16)))
    for end in range(4, len(data) - 2, 7):
        with pytest.raises(errors.DamagedImage):
            imaging.prepare(data[:end], RAMP)


def test_uninitialised_memory_is_never_returned(tmp_path: Path) -> None:
    files = {}
    samples = np.random.default_rng(1).integers(0, 256, (40, 40), np.uint8)
    for compression in (*COMPRESSIONS, 3, 4, 7):
        whole = jpeg_stream(samples, "L") if compression == 7 else compress(samples, compression)
        for number, strip in enumerate((whole, whole[: len(whole) // 2], whole[:9], whole[: len(whole) - 9])):
            data = tiff(Page(samples, compression=compression, segments=[strip]))
            files[f"{compression}-{number}.tif"] = data
    unwritten_memory.check(tmp_path, files, channels=3)


def test_too_many_tiles_are_refused() -> None:
    tiles = {256: 10_000, 257: 10_000, 322: 8, 323: 8}
    refused(levels_file(LEVELS, tags=tiles), "more than 390,625 tiles", errors.UnsupportedImage)


def test_time_is_limited_by_the_size_of_the_file() -> None:
    """All strips may be the same one, and each directory may have thousands of entries."""
    samples = np.zeros((20_000, 8), np.uint8)
    data = tiff(Page(samples, {273: [8] * 20_000, 279: [8] * 20_000}, strip=1))
    assert imaging.prepare(data, InputSpec(32, 32, 1, "pad")).source.rows == 20_000
