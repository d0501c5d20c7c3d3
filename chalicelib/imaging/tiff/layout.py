"""How the samples of a TIFF page are stored; checked before any sample is read."""

from dataclasses import dataclass

from chalicelib.imaging.decoded import check_size
from chalicelib.imaging.tiff.directory import Directory, Tag, invalid, unsupported
from chalicelib.imaging.tiff.terms import (
    ASSOCIATED,
    BITS,
    CMYK,
    COLOURS,
    COMPRESSIONS,
    FLOAT,
    FORMATS,
    JPEG,
    NONE,
    PALETTE,
    UNASSOCIATED,
    UNSIGNED,
    UNSUPPORTED_COLOURS,
    UNSUPPORTED_COMPRESSIONS,
    WITH_PREDICTOR,
    YCBCR,
)

_MAX_SAMPLES = 16
_MAX_SIDE = 1 << 30


@dataclass(frozen=True)
class Layout:
    """The storage of a page that can be read."""

    order: str
    """Byte order of numbers: "<" or ">"."""
    columns: int
    rows: int
    bits: int
    format: int
    """UNSIGNED, SIGNED or FLOAT."""
    samples: int
    """Samples per pixel."""
    colours: int
    """How many of them are colours; they come first."""
    alpha: int
    """ASSOCIATED, UNASSOCIATED, or 0 without alpha. The alpha sample follows the colours."""
    photometric: int
    compression: int
    predictor: int
    planar: bool
    """Whether each sample is stored in a separate plane."""
    reversed_bits: bool
    """Whether the first pixel is in the low-order bits of a byte (FillOrder 2)."""
    subsampling: tuple[int, int]
    """Columns and rows that share a pair of chroma samples; 1, 1 if the decoder upsamples them."""
    tiled: bool
    segment_columns: int
    """Columns of a tile, or of the page if it is stored in strips."""
    segment_rows: int

    @property
    def across(self) -> int:
        """Segments (tiles or strips) from left to right."""
        return -(-self.columns // self.segment_columns)

    @property
    def down(self) -> int:
        """Segments from top to bottom."""
        return -(-self.rows // self.segment_rows)

    @property
    def planes(self) -> int:
        """Number of segments that together hold all samples of a pixel."""
        return self.samples if self.planar else 1

    @property
    def samples_together(self) -> int:
        """Samples of a pixel in the same segment."""
        return 1 if self.planar else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of a segment's row, or of a row of subsampling units."""
        across, down = self.subsampling
        if across * down > 1:
            return -(-self.segment_columns // across) * (across * down + 2)
        return -(-self.segment_columns * self.samples_together * self.bits // 8)


def read_layout(directory: Directory) -> Layout:
    """How the samples of a page are stored.

    Raises:
        ImageTooLarge, ImageTooSmall: if its size is out of bounds.
        UnsupportedImage: naming the tag whose value is not supported.
        InvalidImage: naming the tag that is missing, invalid or inconsistent.
    """
    columns, rows = size(directory)
    compression, photometric = _compression(directory), _photometric(directory)
    samples = directory.integer(Tag.SamplesPerPixel, 1)
    if not 1 <= samples <= _MAX_SAMPLES:
        raise unsupported(Tag.SamplesPerPixel, f"is {samples}")
    colours = COLOURS[photometric]
    if samples < colours:
        raise invalid(
            Tag.SamplesPerPixel, f"is {samples}, but its PhotometricInterpretation needs {colours} samples"
        )
    planar = _one_of(directory, Tag.PlanarConfiguration, (1, 2)) == 2 and samples > 1
    format_, bits = _sample_type(directory, samples)
    tiled = Tag.TileWidth in directory.entries or Tag.TileOffsets in directory.entries
    if tiled:
        width, length = directory.integer(Tag.TileWidth), directory.integer(Tag.TileLength)
    else:
        width, length = columns, min(rows, directory.integer(Tag.RowsPerStrip, rows))
    if not (0 < width < _MAX_SIDE and 0 < length < _MAX_SIDE):
        tag = (Tag.TileWidth if not 0 < width < _MAX_SIDE else Tag.TileLength) if tiled else Tag.RowsPerStrip
        raise invalid(tag, "is impossible")
    alpha = _alpha(directory, samples, colours)
    layout = Layout(
        directory.order, columns, rows, bits, format_, samples, colours, alpha, photometric,
        compression, _predictor(directory, compression, bits, format_), planar,
        _one_of(directory, Tag.FillOrder, (1, 2)) == 2 and compression != JPEG,
        _subsampling(directory, photometric, compression), tiled, width, length,
    )  # fmt: skip
    _check(layout)
    return layout


def size(directory: Directory) -> tuple[int, int]:
    """Columns and rows of a page.

    Raises:
        InvalidImage: if one of them is missing or 0.
        ImageTooLarge, ImageTooSmall: if the size is out of bounds.
    """
    columns, rows = directory.integer(Tag.ImageWidth), directory.integer(Tag.ImageLength)
    for tag, side in ((Tag.ImageWidth, columns), (Tag.ImageLength, rows)):
        if not side:
            raise invalid(tag, "is 0")
    check_size(columns, rows)
    return columns, rows


def _compression(directory: Directory) -> int:
    compression = directory.integer(Tag.Compression, NONE)
    if compression not in COMPRESSIONS:
        raise unsupported(Tag.Compression, f"is {compression}{_named(UNSUPPORTED_COMPRESSIONS, compression)}")
    return compression


def _photometric(directory: Directory) -> int:
    photometric = directory.integer(Tag.PhotometricInterpretation)
    if photometric not in COLOURS:
        raise unsupported(
            Tag.PhotometricInterpretation, f"is {photometric}{_named(UNSUPPORTED_COLOURS, photometric)}"
        )
    if photometric == CMYK and (inks := directory.integer(Tag.InkSet, 1)) != 1:
        raise unsupported(Tag.InkSet, f"is {inks} (other inks than CMYK)")
    return photometric


def _named(names: dict[int, str], value: int) -> str:
    return f" ({names[value]})" if value in names else ""


def _one_of(directory: Directory, tag: Tag, allowed: tuple[int, ...]) -> int:
    value = directory.integer(tag, allowed[0])
    if value not in allowed:
        raise invalid(tag, f"is {value}; only {' and '.join(map(str, allowed))} are defined")
    return value


def _sample_type(directory: Directory, samples: int) -> tuple[int, int]:
    """SampleFormat and BitsPerSample, which all samples must share."""
    found = []
    for tag in (Tag.SampleFormat, Tag.BitsPerSample):
        values = directory.integers(tag)[:samples] or [1]
        if len(values) not in (1, samples):
            raise invalid(tag, f"has {len(values)} values for {samples} samples of each pixel")
        if len(set(values)) > 1:
            raise unsupported(tag, "differs between the samples of a pixel")
        found.append(values[0])
    format_, bits = found
    if format_ not in FORMATS:
        raise invalid(Tag.SampleFormat, f"is {format_}; only 1 to 6 are defined")
    if format_ not in BITS:
        raise unsupported(Tag.SampleFormat, f"is {format_} ({FORMATS[format_]})")
    if not bits:
        raise invalid(Tag.BitsPerSample, "is 0")
    if bits not in BITS[format_]:
        raise unsupported(
            Tag.BitsPerSample, f"is {bits} and SampleFormat (339) is {format_} ({FORMATS[format_]})"
        )
    return format_, bits


def _alpha(directory: Directory, samples: int, colours: int) -> int:
    extra = directory.integers(Tag.ExtraSamples)[: samples - colours]
    if samples > colours and Tag.ExtraSamples not in directory.entries:
        if colours == 3 and samples == 4:  # the common reading
            return UNASSOCIATED
        raise invalid(Tag.ExtraSamples, f"is missing, though each pixel has {samples} samples")
    return extra[0] if extra and extra[0] in (ASSOCIATED, UNASSOCIATED) else 0


def _predictor(directory: Directory, compression: int, bits: int, format_: int) -> int:
    predictor = directory.integer(Tag.Predictor, 1) if compression in WITH_PREDICTOR else 1
    readable = {1} | ({2} if bits in (8, 16, 32, 64) else set()) | ({3} if format_ == FLOAT else set())
    if predictor not in readable:
        raise unsupported(Tag.Predictor, f"is {predictor} with {bits} bits a sample")
    return predictor


def _subsampling(directory: Directory, photometric: int, compression: int) -> tuple[int, int]:
    if photometric != YCBCR or compression == JPEG:
        return 1, 1
    values = directory.integers(Tag.YCbCrSubSampling) or [2, 2]
    if len(values) != 2 or not {*values} <= {1, 2, 4}:
        raise invalid(Tag.YCbCrSubSampling, "is not a pair of 1, 2 or 4")
    return values[0], values[1]


def _check(layout: Layout) -> None:
    """Refuse combinations of values that are valid only by themselves."""
    eight_bits = (layout.bits, layout.format) == (8, UNSIGNED)
    if layout.photometric == YCBCR and not (eight_bits and layout.samples == 3):
        raise unsupported(
            Tag.PhotometricInterpretation, f"is 6 (YCbCr) with {layout.samples} samples of {layout.bits} bits"
        )
    if layout.compression == JPEG and not eight_bits:
        raise unsupported(Tag.Compression, f"is 7 (JPEG) with {layout.bits} bits a sample")
    if layout.photometric in (PALETTE, CMYK) and layout.format != UNSIGNED:
        raise unsupported(Tag.SampleFormat, f"is {layout.format} in an image with a palette or inks")
    if layout.photometric == PALETTE and layout.bits > 16:
        raise invalid(Tag.BitsPerSample, "is too large for a palette")
    if layout.subsampling != (1, 1) and (layout.planar or layout.predictor != 1):
        raise unsupported(Tag.YCbCrSubSampling, "is used together with planes or a predictor")
    across, down = layout.subsampling
    if layout.tiled and (layout.segment_columns % across or layout.segment_rows % down):
        raise invalid(Tag.YCbCrSubSampling, "does not divide its tiles")
    if not layout.tiled and layout.down > 1 and layout.segment_rows % down:
        raise invalid(Tag.YCbCrSubSampling, "does not divide its strips")
