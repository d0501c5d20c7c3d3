"""Writes TIFF files of every kind, following the specification, without the libraries that read them."""

import lzma
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Order = Literal["<", ">"]
Values = int | Sequence[int] | bytes
Tags = Mapping[int, Values]

LEVELS = (0, 64, 128, 255)
_TYPES = {1: "B", 3: "H", 4: "I", 5: "I", 7: "B", 13: "I", 16: "Q"}
_SHORT = {258, 259, 262, 266, 274, 277, 284, 296, 317, 320, 332, 338, 339, 530, 255}
_RATIONAL = {282, 283, 529, 532}
_LIBTIFF = {5: "tiff_lzw", 32773: "packbits", 50000: "zstd"}


def squares(values: Sequence[Any], dtype: Any = np.uint8, side: int = 8) -> NDArray[Any]:
    """Squares of uniform values, side by side; a value may be a tuple of samples."""
    return np.array([values], dtype).repeat(side, axis=0).repeat(side, axis=1)


@dataclass(frozen=True)
class Page:
    """A page: samples of shape (rows, columns) or (rows, columns, samples), and how they are stored."""

    samples: NDArray[Any]
    tags: Tags = field(default_factory=dict)
    """Additional or changed tags."""
    compression: int = 1
    predictor: int = 1
    planar: bool = False
    bits: int = 0
    """The bits per sample, if other than those of the samples' type."""
    strip: int = 0
    """Rows per strip; 0 makes a single strip."""
    tile: tuple[int, int] = (0, 0)
    """Rows and columns."""
    segments: Sequence[bytes] = ()
    """The segments to store instead of the samples."""


def tiff(*pages: Page, order: Order = "<", big: bool = False, end: int = 0) -> bytes:
    """A file; `end` follows the last page."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    data = head + (struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8))
    for number, page in enumerate(pages):
        segments = list(page.segments) or _segments(page, order)
        tags = _tags(page) | dict(page.tags)
        offsets, counts = (324, 325) if page.tile[0] else (273, 279)
        tags.setdefault(counts, [len(segment) for segment in segments])
        placed = offsets not in tags
        if placed:
            tags[offsets] = [0] * len(segments)
            start = len(data) + len(_directory(tags, 0, 0, order, big))
            tags[offsets] = [start + sum(map(len, segments[:place])) for place in range(len(segments))]
        body = b"".join(segments)
        size = len(_directory(tags, 0, 0, order, big)) + len(body)
        body += b"\0" * (size % 2)
        following = len(data) + size + size % 2 if number + 1 < len(pages) else end
        data += _directory(tags, len(data), following, order, big) + body
    return data


def levels_file(values: Sequence[Any], dtype: Any = np.uint8, order: Order = "<", **page: Any) -> bytes:
    """A file with one page of squares."""
    return tiff(Page(squares(values, dtype), **page), order=order)


def _tags(page: Page) -> dict[int, Values]:
    samples = page.samples if page.samples.ndim == 3 else page.samples[..., None]
    rows, columns, count = samples.shape
    tags: dict[int, Values] = {
        256: columns,
        257: rows,
        258: [page.bits or samples.itemsize * 8] * count,
        259: page.compression,
        262: 2 if count == 3 else 1,
        277: count,
        284: 2 if page.planar else 1,
        339: [{"u": 1, "i": 2, "f": 3, "c": 6}[samples.dtype.kind]] * count,
    }
    if page.predictor != 1:
        tags[317] = page.predictor
    if page.tile[0]:
        tags |= {323: page.tile[0], 322: page.tile[1]}
    else:
        tags[278] = page.strip or rows
    return tags


def _directory(tags: Tags, start: int, following: int, order: Order, big: bool) -> bytes:
    """The directory at `start`, followed by the values that do not fit into it."""
    width, word = (8, "Q") if big else (4, "I")
    size = (8 if big else 2) + len(tags) * (12 + 2 * (width - 4)) + width
    entries, rest = b"", b""
    for tag, values in sorted(tags.items()):
        kind = 7 if isinstance(values, bytes) else 5 if tag in _RATIONAL else 3 if tag in _SHORT else 4
        numbers = [values] if isinstance(values, int) else list(values)
        content = struct.pack(f"{order}{len(numbers)}{_TYPES[kind]}", *numbers)
        count = len(numbers) // (2 if kind == 5 else 1)
        if len(content) > width:
            place = start + size + len(rest)
            content, rest = struct.pack(order + word, place), rest + content + b"\0" * (len(content) % 2)
        entries += struct.pack(order + "HH" + word, tag, kind, count) + content.ljust(width, b"\0")
    return (
        struct.pack(order + ("Q" if big else "H"), len(tags))
        + entries
        + struct.pack(order + word, following)
        + rest
    )


def _segments(page: Page, order: Order) -> list[bytes]:
    samples = page.samples if page.samples.ndim == 3 else page.samples[..., None]
    planes = [samples[..., n : n + 1] for n in range(samples.shape[2])] if page.planar else [samples]
    if not page.tile[0]:
        rows = page.strip or len(samples)
        cuts = [plane[top : top + rows] for plane in planes for top in range(0, len(plane), rows)]
    else:
        rows, columns = page.tile
        cuts = [
            np.pad(cut, ((0, rows - cut.shape[0]), (0, columns - cut.shape[1]), (0, 0)), "edge")
            for plane in planes
            for top in range(0, plane.shape[0], rows)
            for left in range(0, plane.shape[1], columns)
            for cut in [plane[top : top + rows, left : left + columns]]
        ]
    return [compress(stored(cut, page, order), page.compression) for cut in cuts]


def stored(cut: NDArray[Any], page: Page, order: Order) -> NDArray[np.uint8]:
    """The bytes of a strip or tile before compression: shape (rows, bytes)."""
    rows, _, count = cut.shape
    if page.bits and page.bits != cut.itemsize * 8:
        single = (cut.reshape(rows, -1, 1) >> np.arange(page.bits - 1, -1, -1)) & 1
        return np.packbits(single.reshape(rows, -1).astype(np.uint8), axis=-1)
    if page.predictor == 3:
        planes = cut.astype(cut.dtype.newbyteorder(">")).reshape(rows, -1, 1).view(np.uint8)
        flat = planes.transpose(0, 2, 1).reshape(rows, -1, count)
        return np.diff(flat, axis=1, prepend=np.zeros((rows, 1, count), np.uint8)).reshape(rows, -1)
    if page.predictor == 2:
        whole = np.ascontiguousarray(cut).view(f"u{cut.itemsize}")
        cut = np.diff(whole, axis=1, prepend=np.zeros((rows, 1, count), whole.dtype))
    return np.ascontiguousarray(cut.astype(cut.dtype.newbyteorder(order))).view(np.uint8).reshape(rows, -1)


def compress(content: NDArray[np.uint8], compression: int) -> bytes:
    """`content` as a strip; LZW, PackBits and Zstandard by libtiff, from a picture of the bytes."""
    if compression in (8, 32946):
        return zlib.compress(content.tobytes())
    if compression == 34925:
        return lzma.compress(content.tobytes())
    if compression not in _LIBTIFF:
        return content.tobytes()
    file = BytesIO()
    Image.fromarray(content).save(
        file, "TIFF", compression=_LIBTIFF[compression], tiffinfo={278: len(content)}
    )
    tags: Any = Image.open(file)
    (offset,), (size,) = tags.tag_v2[273], tags.tag_v2[279]
    return file.getvalue()[offset : offset + size]
