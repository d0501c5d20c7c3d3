"""Converts the bytes of strips and tiles to samples, in rows from top to bottom."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.imaging.tiff.directory import Directory
from chalicelib.imaging.tiff.layout import Layout
from chalicelib.imaging.tiff.segments import Bytes, Segments
from chalicelib.imaging.tiff.terms import FLOAT, SIGNED

Samples = NDArray[Any]
_TOGETHER = 4 << 20
"""Bytes of small segments, or of samples of a large one, that are processed at once."""


def blocks(directory: Directory, layout: Layout) -> Iterator[tuple[int, Samples]]:
    """The page in blocks of whole rows: the first row's number, and shape (rows, columns, samples).

    Raises:
        DamagedImage: if a part is missing, damaged or shorter than it should be.
    """
    segments = Segments(directory, layout)
    first = 0
    while first < layout.down:
        rows = _rows_of(layout, first)
        bands = _bands_together(layout, first)
        planes = [_band(segments, layout, plane, first, bands, rows) for plane in range(layout.planes)]
        for start, stop in _parts(layout, planes[0].shape):
            parts = [_unpacked(plane[:, :, start:stop], layout) for plane in planes]
            block = np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
            top = first * layout.segment_rows + start * layout.subsampling[1]
            yield top, block[: layout.rows - top]
        first += bands


def _rows_of(layout: Layout, band: int) -> int:
    """Rows of a segment. The last strip ends with the page; tiles are always complete."""
    rows = layout.segment_rows
    return rows if layout.tiled else min(rows, layout.rows - band * rows)


def _bands_together(layout: Layout, first: int) -> int:
    """Number of segment rows to read at once; all have the same number of pixel rows."""
    size = layout.across * layout.row_bytes * layout.segment_rows
    whole = layout.down if layout.tiled else layout.rows // layout.segment_rows
    return max(1, min(_TOGETHER // size, whole - first))


def _band(segments: Segments, layout: Layout, plane: int, first: int, bands: int, rows: int) -> Bytes:
    """Rows of segments: shape (bands, segments across, rows, bytes)."""
    start = (plane * layout.down + first) * layout.across
    rows_of_units = -(-rows // layout.subsampling[1])
    content = segments.read(range(start, start + bands * layout.across), rows_of_units)
    return content.reshape(bands, layout.across, rows_of_units, layout.row_bytes)


def _parts(layout: Layout, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Split a large segment, because its samples take much more memory than its bytes."""
    bands, across, rows, _ = shape
    row = across * layout.segment_columns * layout.samples * layout.subsampling[1]
    step = rows if bands > 1 else max(1, _TOGETHER // row)
    return ((start, min(rows, start + step)) for start in range(0, rows, step))


def _unpacked(content: Bytes, layout: Layout) -> Samples:
    """Samples of segments, joined to rows: shape (rows, columns, samples)."""
    samples = _with_chroma(content, layout) if layout.subsampling != (1, 1) else _plain(content, layout)
    bands, across, rows, columns, count = samples.shape
    together = samples.transpose(0, 2, 1, 3, 4).reshape(bands * rows, across * columns, count)
    return together[:, : layout.columns]


def _plain(content: Bytes, layout: Layout) -> Samples:
    count = layout.segment_columns * layout.samples_together
    if layout.predictor == 3:
        samples = _floating_point_differences(content, layout)
    else:
        samples = _numbers(content, layout, count)
    return samples.reshape(*content.shape[:-1], layout.segment_columns, layout.samples_together)


def _numbers(content: Bytes, layout: Layout, count: int) -> Samples:
    bits = layout.bits
    if bits not in (8, 16, 32, 64):
        return _packed(content, bits, count)
    unsigned = np.ascontiguousarray(content).view(f"{layout.order}u{bits // 8}")
    if layout.predictor == 2:
        unsigned = unsigned.astype(unsigned.dtype.newbyteorder("="))
        by_sample = unsigned.reshape(*unsigned.shape[:-1], layout.segment_columns, layout.samples_together)
        np.cumsum(by_sample, axis=-2, dtype=by_sample.dtype, out=by_sample)
    kind = {SIGNED: "i", FLOAT: "f"}.get(layout.format, "u")
    order = unsigned.dtype.byteorder
    return unsigned.view(np.dtype(f"{kind}{bits // 8}").newbyteorder(order))


def _packed(content: Bytes, bits: int, count: int) -> Samples:
    """Numbers that are not whole bytes: most significant bit first, each row starts at a byte."""
    single = np.unpackbits(content, axis=-1, count=count * bits)
    if bits == 1:
        return single
    whole = 8 if bits < 8 else 16
    padded = np.zeros((*single.shape[:-1], count, whole), np.uint8)
    padded[..., whole - bits :] = single.reshape(*single.shape[:-1], count, bits)
    packed = np.packbits(padded, axis=-1)
    return packed[..., 0] if whole == 8 else packed.view(">u2")[..., 0]


def _floating_point_differences(content: Bytes, layout: Layout) -> Samples:
    """Undo predictor 3: byte differences, with the highest bytes of all numbers of a row first.

    Adobe Photoshop TIFF Technical Note 3.
    """
    size, each = layout.bits // 8, layout.samples_together
    by_sample = content.reshape(*content.shape[:-1], -1, each)
    summed = np.cumsum(by_sample, axis=-2, dtype=np.uint8).reshape(*content.shape[:-1], size, -1)
    return np.ascontiguousarray(np.moveaxis(summed, -2, -1)).view(f">f{size}")[..., 0]


def _with_chroma(content: Bytes, layout: Layout) -> Samples:
    """YCbCr with subsampled Cb and Cr (TIFF 6.0, section 21)."""
    across, down = layout.subsampling
    *outer, rows, _ = content.shape
    units = content.reshape(*outer, rows, -1, across * down + 2)
    columns = units.shape[-2]
    luma = units[..., :-2].reshape(*outer, rows, columns, down, across)
    luma = np.moveaxis(luma, -2, -3).reshape(*outer, rows * down, columns * across)
    chroma = units[..., -2:].repeat(across, axis=-2).repeat(down, axis=-3)
    return np.concatenate([luma[..., None], chroma], axis=-1)[..., : layout.segment_columns, :]
