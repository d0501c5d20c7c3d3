"""Decompresses the strips and tiles of a TIFF page.

LZW, PackBits, LZMA and Zstandard are decompressed by libtiff, which is part of Pillow. It gets a TIFF file
made here, in which the segments are rows of plain integers, so the tags of the original never reach it. It
refuses segments that are too short, except CCITT fax, which it fills in without an error; therefore CCITT fax
is not supported.
"""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from math import gcd

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib import errors
from chalicelib.imaging import codestream, stream_end
from chalicelib.imaging.decoded import MAX_PIXELS
from chalicelib.imaging.tiff.directory import Directory, Tag, cut_off, invalid
from chalicelib.imaging.tiff.layout import Layout
from chalicelib.imaging.tiff.terms import DEFLATE, JPEG, NONE, OLD_DEFLATE, RGB, YCBCR

Bytes = NDArray[np.uint8]

_MAX_BYTES = 400_000_000
"""Size of one decompressed segment: 100 megapixels of 32 bits."""
_MAX_SEGMENTS = MAX_PIXELS // 256
"""The smallest tiles allowed have 16 x 16 pixels (TIFF 6.0, section 15)."""
_MAX_JPEG_SEGMENTS = 10_000
"""Each takes a millisecond. Writers use tiles of 128 x 128 pixels or more: 6,104 in 100 megapixels."""
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
"""Every byte with its bits reversed."""
_JPEG_COMPONENTS = (1, 3, 4)
_JFIF = b"JFIF\0"


class Segments:
    """The strips or tiles of a page."""

    def __init__(self, directory: Directory, layout: Layout):
        """Check that the page has all of its segments.

        Raises:
            InvalidImage: if there are too few.
            ImageTooLarge: if one of them is larger than an image may be.
        """
        self._directory, self._layout = directory, layout
        self._name = "tile" if layout.tiled else "strip"
        self._needed = layout.down * layout.across * layout.planes
        largest = layout.row_bytes * -(-layout.segment_rows // layout.subsampling[1])
        pixels = layout.segment_columns * layout.segment_rows
        if pixels > MAX_PIXELS or (layout.compression != NONE and largest > _MAX_BYTES):
            raise errors.ImageTooLarge(
                f"A {self._name} of the TIFF file holds {pixels // 1_000_000:,} megapixels of "
                f"{layout.bits} bits a sample. Send a smaller version, or one in smaller {self._name}s."
            )
        most = _MAX_JPEG_SEGMENTS if layout.compression == JPEG else _MAX_SEGMENTS
        if self._needed > most:
            raise errors.UnsupportedImage(
                f"The TIFF file has more than {most:,} {self._name}s. Export it with larger ones."
            )
        self._offsets = self._list(Tag.TileOffsets if layout.tiled else Tag.StripOffsets)
        sizes = Tag.TileByteCounts if layout.tiled else Tag.StripByteCounts
        # Some writers omit the byte counts if they can be calculated.
        known = layout.compression == NONE and sizes not in directory.entries
        self._counts = None if known else self._list(sizes)

    def read(self, numbers: Sequence[int], rows: int) -> Bytes:
        """Decompress segments: shape (segments, rows, row bytes).

        Args:
            numbers: of the segments.
            rows: of each segment.

        Raises:
            DamagedImage: if one of them lies outside the file, or is too short.
        """
        row_bytes, compression = self._layout.row_bytes, self._layout.compression
        shape = (len(numbers), rows, row_bytes)
        if compression == NONE:
            plain = [self._uncompressed(number, rows * row_bytes) for number in numbers]
            return (plain[0] if len(plain) == 1 else np.concatenate(plain)).reshape(shape)
        parts = [self._stored(number) for number in numbers]
        if compression in (DEFLATE, OLD_DEFLATE):
            inflated = [self._inflate(*pair, rows * row_bytes) for pair in zip(parts, numbers, strict=True)]
            content = inflated[0] if len(inflated) == 1 else b"".join(inflated)
            return np.frombuffer(content, np.uint8).reshape(shape)
        if compression == JPEG:
            return np.stack([self._jpeg(*pair, rows) for pair in zip(parts, numbers, strict=True)])
        try:
            return _through_libtiff(parts, compression, rows, row_bytes)
        except OSError as error:
            raise self._broken(numbers[0], "is damaged or shorter than it should be") from error

    def _list(self, tag: Tag) -> list[int]:
        values = self._directory.integers(tag, self._needed)
        if len(values) < self._needed:
            raise invalid(tag, f"lists {len(values)} of {self._needed} {self._name}s")
        return values

    def _uncompressed(self, number: int, size: int) -> Bytes:
        if self._counts is not None and self._counts[number] < size:
            raise self._broken(number, "is shorter than it should be")
        return self._part(number, size)

    def _stored(self, number: int) -> Bytes:
        assert self._counts is not None
        return self._part(number, self._counts[number])

    def _part(self, number: int, size: int) -> Bytes:
        data, offset = self._directory.data, self._offsets[number]
        if offset + size > len(data):
            raise cut_off(f"{self._name} {number + 1} of {self._needed} lies (partly)")
        if not size or not offset:
            raise self._broken(number, "has no data")
        part = np.frombuffer(data, np.uint8, size, offset)
        return _REVERSED[part] if self._layout.reversed_bits else part

    def _inflate(self, part: Bytes, number: int, size: int) -> bytes:
        stream = zlib.decompressobj()
        try:
            content = stream.decompress(part, size)
            if not stream.eof:  # reads the checksum after the last byte
                stream.decompress(stream.unconsumed_tail, 1)
        except zlib.error as error:
            raise self._broken(number, "is damaged") from error
        if len(content) < size:
            raise self._broken(number, "is shorter than it should be")
        return content

    def _jpeg(self, part: Bytes, number: int, rows: int) -> Bytes:
        """Decode a JPEG segment, whose tables may be in JPEGTables (TIFF Technical Note 2)."""
        tables = self._directory.content(Tag.JPEGTables)
        stream = part.tobytes()
        if len(tables) > 4:
            stream = tables.rstrip(b"\0").removesuffix(b"\xff\xd9") + stream[2:]
        try:
            claims = codestream.read(stream)
            self._check_jpeg(claims, number, rows)
            stream = stream_end.completed(stream, claims)
        except codestream.UnsupportedCodestream as error:
            raise self._unsupported_jpeg() from error
        except codestream.CodestreamError as error:
            raise self._broken(number, f"holds a damaged JPEG stream: {error}") from error
        jfif = part[6:11].tobytes() == _JFIF
        converted = self._layout.photometric == YCBCR or (
            # JFIF with three components is YCbCr, and RGB is never subsampled.
            self._layout.photometric == RGB and (jfif or claims.subsampled)
        )
        stream = codestream.with_colour_transform(stream, converted and claims.components == 3)
        return self._jpeg_samples(stream, claims.components, number)[:rows].reshape(rows, -1)

    def _check_jpeg(self, claims: codestream.Codestream, number: int, rows: int) -> None:
        """Compare the headers of a stream with the tags before decoding."""
        layout = self._layout
        if not claims.is_ordinary_jpeg or claims.components not in _JPEG_COMPONENTS:
            raise self._unsupported_jpeg()
        expected = (layout.samples_together, layout.segment_columns)
        if (claims.components, claims.columns) != expected or claims.rows not in (rows, layout.segment_rows):
            raise errors.InvalidImage(
                f"The JPEG stream in {self._name} {number + 1} of this TIFF file has another size than the "
                "tags say. Export it again."
            )

    def _jpeg_samples(self, stream: bytes, components: int, number: int) -> Bytes:
        try:
            image = Image.open(BytesIO(stream), formats=["JPEG"])
            pixels = np.asarray(image)
            whole = stream_end.is_whole(stream, pixels)
        except OSError as error:
            raise self._broken(number, "is damaged or cut off") from error
        if not whole:
            raise self._broken(number, "is cut off")
        # Pillow interprets four components as inverted CMYK, as in Adobe's JPEG files.
        return 255 - pixels if components == 4 else pixels

    def _unsupported_jpeg(self) -> errors.UnsupportedImage:
        return errors.UnsupportedImage(
            f"A {self._name} of the TIFF file holds an unsupported kind of JPEG: only baseline, extended and "
            "progressive JPEG with 8 bits can be read. Export the image uncompressed."
        )

    def _broken(self, number: int, problem: str) -> errors.DamagedImage:
        return errors.DamagedImage(
            f"The TIFF file is damaged or cut off: {self._name} {number + 1} of {self._needed} {problem}. "
            "Export or copy it again."
        )


def _through_libtiff(parts: list[Bytes], compression: int, rows: int, row_bytes: int) -> Bytes:
    """Decompress segments of `rows` rows each: shape (segments, rows, row bytes).

    Raises:
        OSError: if one of them is damaged or too short.
        ImageTooLarge: if they exceed the limit of Pillow's decoders.
    """
    size = gcd(row_bytes, 4)
    columns, length = row_bytes // size, rows * len(parts)
    if columns * length > MAX_PIXELS:
        raise errors.ImageTooLarge(
            "A part of the TIFF file is too large to decompress. Send a smaller version."
        )
    image = Image.open(BytesIO(_wrapped(parts, compression, columns, rows, size)), formats=["TIFF"])
    samples = np.asarray(image)
    return samples.view(np.uint8).reshape(len(parts), rows, row_bytes)


def _wrapped(parts: list[Bytes], compression: int, columns: int, rows: int, size: int) -> bytes:
    """A TIFF file of grey pixels of `size` bytes whose strips are `parts`."""
    count = len(parts)
    tags = {
        Tag.ImageWidth: columns,
        Tag.ImageLength: rows * count,
        Tag.BitsPerSample: 8 * size,
        Tag.Compression: compression,
        Tag.PhotometricInterpretation: 1,
        Tag.StripOffsets: 0,
        Tag.SamplesPerPixel: 1,
        Tag.RowsPerStrip: rows,
        Tag.StripByteCounts: 0,
    }
    lists = 8 + 2 + 12 * len(tags) + 4
    sizes = [len(part) for part in parts]
    start = lists + 8 * count
    starts = [start + offset for offset in np.cumsum([0, *sizes[:-1]]).tolist()]
    tags[Tag.StripOffsets] = lists if count > 1 else starts[0]
    tags[Tag.StripByteCounts] = lists + 4 * count if count > 1 else sizes[0]
    long = 4
    entries = [
        struct.pack("<HHII", tag, long, count if tag in (Tag.StripOffsets, Tag.StripByteCounts) else 1, value)
        for tag, value in sorted(tags.items())
    ]
    head = [b"II*\0", struct.pack("<IH", 8, len(tags)), *entries, bytes(4)]
    return b"".join([*head, struct.pack(f"<{2 * count}I", *starts, *sizes), *parts])
