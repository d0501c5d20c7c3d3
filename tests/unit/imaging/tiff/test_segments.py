"""Strips and tiles: missing, cut off, damaged, and compressed as JPEG."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors
from tests import unwritten_memory
from tests.tiff_files import LEVELS, Page, compress, levels_file, squares, stored, tiff
from tests.unit.imaging.jpeg.samples import incomplete
from tests.unit.imaging.tiff.helpers import COMPRESSIONS, IMAGE, LUMA, SHOWN, close, colours, levels, refused


def jpeg_stream(samples: Any, mode: str, **options: Any) -> bytes:
    """A JPEG file; YCbCr has a JFIF marker."""
    file = BytesIO()
    if mode == "CMYK":  # Pillow writes them inverted, like Adobe in JPEG files
        samples = 255 - samples
    image = Image.fromarray(samples, "CMYK") if mode == "CMYK" else Image.fromarray(samples)
    image.save(file, "JPEG", quality=95, subsampling=0, **options)
    return file.getvalue()


def split(stream: bytes) -> tuple[bytes, bytes]:
    """JPEG tables, and a stream without them."""
    tables, rest, position = b"\xff\xd8", b"\xff\xd8", 2
    while stream[position + 1] != 0xDA:
        length = 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        part = stream[position : position + length]
        if part[1] in (0xC4, 0xDB):
            tables += part
        else:
            rest += part
        position += length
    return tables + b"\xff\xd9", rest + stream[position:]


@pytest.mark.parametrize(
    ("mode", "photometric", "shown"),
    [
        ("L", 1, list(LEVELS)),
        ("L", 0, [255 - level for level in LEVELS]),
        ("RGB", 2, SHOWN),
        ("RGB", 6, SHOWN),
        ("YCbCr", 2, SHOWN),
        ("CMYK", 5, [(255, 255, 255), (0, 255, 255), (255, 0, 0), (0, 0, 0)]),
    ],
)
@pytest.mark.parametrize("tables", [False, True])
def test_jpeg_segments_are_read(mode: str, photometric: int, shown: Any, tables: bool) -> None:
    pixels = {
        "L": LEVELS,
        "RGB": SHOWN,
        "YCbCr": SHOWN,
        "CMYK": [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255)],
    }[mode]
    samples = squares(pixels)
    stream = jpeg_stream(samples, mode, keep_rgb=(mode, photometric) == ("RGB", 2))
    tags: dict[int, Any] = {262: photometric}
    if tables:
        parts, stream = split(stream)
        tags[347] = parts
    data = tiff(Page(samples, tags, 7, segments=[stream]))
    close(levels(data) if mode == "L" else colours(data), shown, 6)
    without_end_marker = tiff(Page(samples, tags, 7, segments=[stream[:-2]]))
    assert levels(without_end_marker) == levels(data)
    for rest in (stream[:-8], stream[:-8] + stream[-2:]):
        with pytest.raises(errors.DamagedImage, match="strip 1 of 1 is cut off"):
            levels(tiff(Page(samples, tags, 7, segments=[rest])))


@pytest.mark.parametrize(("photometric", "pixels"), [(2, SHOWN), (6, LUMA)])
def test_jpeg_planes_are_read(photometric: int, pixels: Any) -> None:
    samples = squares(pixels)
    planes = [jpeg_stream(samples[..., plane], "L") for plane in range(3)]
    data = tiff(Page(samples, {262: photometric}, 7, planar=True, segments=planes))
    close(colours(data), SHOWN, 6)


def test_jpeg_with_alpha_is_read() -> None:
    samples = squares([(255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 255), (128, 128, 128, 0)])
    stream = jpeg_stream(samples, "CMYK")
    data = tiff(Page(samples, {262: 2, 338: 2}, 7, segments=[stream]))
    close(colours(data), [(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)], 6)


def test_strip_outside_the_file_is_refused() -> None:
    data = levels_file(LEVELS, strip=2)
    refused(data[:-1], r"strip 4 of 4 lies \(partly\) outside the file")
    refused(levels_file(LEVELS, tags={273: 1 << 30}), "strip 1 of 1 lies")
    refused(levels_file(LEVELS, tags={273: 0}), "strip 1 of 1 has no data")
    refused(levels_file(LEVELS, tags={279: 255}), "strip 1 of 1 is shorter")
    refused(levels_file(LEVELS, tags={279: 0}), "strip 1 of 1 is shorter")


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


@pytest.mark.parametrize("stream", incomplete().values(), ids=incomplete().keys())
def test_jpeg_that_libjpeg_completes_by_itself_is_refused(stream: bytes) -> None:
    page = Page(np.zeros((64, 64), np.uint8), {262: 1}, 7, segments=[stream])
    refused(tiff(page), "strip 1 of 1 (is cut off|holds a damaged JPEG stream)")


def test_lossless_jpeg_is_not_supported_rather_than_damaged() -> None:
    stream = jpeg_stream(IMAGE, "L").replace(b"\xff\xc0", b"\xff\xc3", 1)
    refused(
        tiff(Page(IMAGE, {262: 1}, 7, segments=[stream])), "unsupported kind of JPEG", errors.UnsupportedImage
    )


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


def test_too_many_jpeg_tiles_are_refused() -> None:
    """Each is decoded on its own, and all may be the same few bytes of the file."""
    tiles = {256: 1616, 257: 1600, 322: 16, 323: 16, 259: 7}
    refused(levels_file(LEVELS, tags=tiles), "more than 10,000 tiles", errors.UnsupportedImage)
