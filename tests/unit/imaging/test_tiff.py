"""TIFF files with every type and storage of samples."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests.tiff_files import LEVELS, Order, Page, compress, levels_file, squares, tiff

RAMP = InputSpec(width=32, height=8, channels=1, fit="stretch")
COLOUR_RAMP = InputSpec(width=32, height=8, channels=3, fit="stretch")

UNSIGNED = [(np.uint8, (0, 64, 128, 255)), (np.uint16, (0, 0x4040, 0x8080, 0xFFFF))]
TYPES = [
    *UNSIGNED,
    (np.uint16, (0, 1028, 2056, 4095)),
    (np.uint32, (0, 0x40404040, 0x80808080, 0xFFFFFFFF)),
    (np.int8, (-128, -64, 0, 127)),
    (np.int16, (-0x8000, -0x3FC0, 0x80, 0x7FFF)),
    (np.int32, (-(2**31), -0x3FBFBFC0, 0x808080, 2**31 - 1)),
    (np.int32, (2**31 - 256, 2**31 - 192, 2**31 - 128, 2**31 - 1)),
    (np.float16, (0, 64, 128, 255)),
    (np.float32, (-1.0, -0.498, 0.004, 1)),
    (np.float64, (1e9, 1e9 + 0.64, 1e9 + 1.28, 1e9 + 2.55)),
    (np.float64, (-1.7e308, -0.8466e308, 0.0068e308, 1.7e308)),
]
PRIMARIES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 128, 64)]
COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "old deflate", 32773: "PackBits"} | {
    34925: "LZMA",
    50000: "Zstandard",
}


def levels(data: bytes) -> list[int]:
    """The grey levels of the four squares."""
    return [int(value) for value in imaging.prepare(data, RAMP).pixels[0, 0, ::8]]


def colours(data: bytes) -> list[tuple[int, ...]]:
    """The colours of the four squares."""
    return [tuple(map(int, pixel)) for pixel in imaging.prepare(data, COLOUR_RAMP).pixels[:, 0, ::8].T]


def close(got: Any, wanted: Any, tolerance: int = 1) -> None:
    np.testing.assert_allclose(got, wanted, atol=tolerance)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "values"), TYPES)
def test_samples_of_every_type_keep_their_levels(dtype: Any, values: Sequence[float], order: Order) -> None:
    close(levels(levels_file(values, dtype, order)), LEVELS)
    white_is_zero = levels_file(values, dtype, order, tags={262: 0})
    close(levels(white_is_zero), [255 - level for level in LEVELS])


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 10, 12, 14])
def test_samples_of_every_bit_depth_keep_their_levels(bits: int, photometric: int) -> None:
    top = 2**bits - 1
    values = [0, top // 3, top // 2, top]
    shown = [255 * value / top for value in values]
    data = levels_file(values, np.uint16, bits=bits, tags={262: photometric})
    close(levels(data), shown if photometric else [255 - level for level in shown])


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_fill_order_2_is_read(bits: int, compression: int) -> None:
    page = Page(squares([0, 0, 2**bits - 1, 2**bits - 1], np.uint16), bits=bits, compression=compression)
    straight = tiff(page)
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    stored = straight[straight.index(segment(straight)) :]
    assert len(stored) - len(segment(straight)) < 2
    data = tiff(
        Page(
            page.samples,
            {266: 2},
            bits=bits,
            compression=compression,
            segments=[segment(straight).translate(reverse)],
        )
    )
    close(levels(data), (0, 0, 255, 255))


def segment(data: bytes) -> bytes:
    """The only strip of a file."""
    tags: Any = Image.open(BytesIO(data)).getexif()
    return data[tags[273] : tags[273] + tags[279]]


WITH_PREDICTOR = [(compression, 2) for compression in COMPRESSIONS if compression not in (1, 32773)]


@pytest.mark.parametrize(
    ("compression", "predictor"), [*((name, 1) for name in COMPRESSIONS), *WITH_PREDICTOR]
)
@pytest.mark.parametrize("planar", [False, True], ids=["chunky", "planar"])
@pytest.mark.parametrize("cut", [{}, {"strip": 3}, {"tile": (16, 16)}], ids=["one strip", "strips", "tiles"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_are_read_in_every_layout(
    compression: int, planar: bool, cut: Any, predictor: int, order: Order
) -> None:
    how = {"compression": compression, "planar": planar, "predictor": predictor, **cut}
    assert levels(levels_file(LEVELS, order=order, **how)) == list(LEVELS)
    deep = [tuple(257 * value for value in pixel) for pixel in PRIMARIES]
    assert colours(levels_file(deep, np.uint16, order, **how)) == PRIMARIES


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("predictor", [2, 3])
@pytest.mark.parametrize("cut", [{"strip": 3}, {"tile": (16, 16)}], ids=["strips", "tiles"])
def test_float_predictors_are_undone(dtype: Any, predictor: int, cut: Any, order: Order) -> None:
    how = {"compression": 8, "predictor": predictor, **cut}
    assert levels(levels_file(LEVELS, dtype, order, **how)) == list(LEVELS)
    assert colours(levels_file(PRIMARIES, dtype, order, **how)) == PRIMARIES


def test_predictor_without_compression_is_ignored() -> None:
    assert levels(levels_file(LEVELS, tags={317: 2})) == list(LEVELS)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_offsets_of_both_sizes_are_read(big: bool, order: Order) -> None:
    page = Page(squares(LEVELS, np.uint16) * 257, strip=3)
    close(levels(tiff(page, order=order, big=big)), LEVELS)


def test_alpha_that_is_not_a_number_is_transparent() -> None:
    data = levels_file([(1, 1), (1, np.nan), (1, 0), (1, np.inf)], np.float32, tags={262: 1, 338: 2})
    assert levels(data) == [0, 0, 0, 0]  # all have the same brightness, so the range is empty
    data = levels_file([(0, 1), (1, np.nan), (1, 0.5), (1, 1)], np.float32, tags={262: 1, 338: 2})
    close(levels(data), (0, 0, 128, 255))


def test_float_that_is_not_a_number_is_black() -> None:
    for photometric in (0, 1):
        data = levels_file([np.nan, 64, np.inf, 0], np.float32, tags={262: photometric})
        close(levels(data), (0, 255 * photometric, 0, 255 * (1 - photometric)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_rgb_of_every_depth_is_read(dtype: Any) -> None:
    scale = 257 if dtype is np.uint16 else 1
    data = levels_file([tuple(scale * value for value in pixel) for pixel in PRIMARIES], dtype)
    assert colours(data) == PRIMARIES


def test_white_of_deep_colours_is_the_top_of_their_bit_depth() -> None:
    data = levels_file([(4095, 0, 0), (0, 4095, 0), (0, 0, 4095), (4095, 2056, 1028)], np.uint16)
    assert colours(data) == PRIMARIES


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [False, True])
def test_alpha_is_applied(dtype: Any, planar: bool) -> None:
    one = np.iinfo(dtype).max // 255
    grey = squares([(255, 255), (255, 128), (128, 255), (255, 0)], dtype) * one
    colour = squares([(255, 0, 0, 255), (255, 0, 0, 128), (0, 128, 0, 255), (0, 0, 255, 0)], dtype) * one
    for extra, shown in ((0, (255, 255, 128, 255)), (1, (255, 255, 128, 255)), (2, (255, 128, 128, 0))):
        close(levels(tiff(Page(grey, {338: extra, 262: 1}, planar=planar))), shown)
    opaque = [(255, 0, 0), (255, 0, 0), (0, 128, 0), (0, 0, 255)]
    for extra, pixels in ((0, opaque), (1, opaque), (2, [(255, 0, 0), (128, 0, 0), (0, 128, 0), (0, 0, 0)])):
        close(colours(tiff(Page(colour, {338: extra, 262: 2}, planar=planar))), pixels)
    white_is_zero = {338: 2, 262: 0}
    close(levels(tiff(Page(grey, white_is_zero, planar=planar))), (0, 0, 127, 0))


def test_grey_with_several_samples_needs_extra_samples() -> None:
    with pytest.raises(errors.InvalidImage, match=r"ExtraSamples \(338\) .* is missing"):
        levels(levels_file([(0, 0), (1, 1), (2, 2), (3, 3)], tags={262: 1}))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [1, 256, 257], ids=["8 bits", "upper 8 of 16 bits", "16 bits"])
def test_palette_is_applied(bits: int, scale: int) -> None:
    size = 2**bits
    table = [(0, 0, 0)] * size
    numbers = [0, 1, size - 2, size - 1] if bits > 1 else [0, 1, 0, 1]
    for number, colour in zip(numbers, PRIMARIES, strict=True):
        table[number] = colour
    entries = [scale * colour[part] for part in range(3) for colour in table]
    data = levels_file(numbers, np.uint8, bits=bits, tags={262: 3, 320: entries})
    assert colours(data) == [table[number] for number in numbers]
    with pytest.raises(errors.InvalidImage, match=r"ColorMap \(320\)"):
        colours(levels_file(numbers, np.uint8, bits=bits, tags={262: 3, 320: entries[:-1]}))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inks_are_converted(dtype: Any) -> None:
    one = np.iinfo(dtype).max // 255
    inks = squares([(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255)], dtype) * one
    data = tiff(Page(inks, {262: 5, 332: 1}))
    assert colours(data) == [(255, 255, 255), (0, 255, 255), (255, 0, 0), (0, 0, 0)]


LUMA = [(76, 85, 255), (150, 44, 21), (29, 255, 107), (128, 128, 128)]
SHOWN = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)]


@pytest.mark.parametrize("planar", [False, True])
def test_luma_and_chroma_at_full_resolution_are_converted(planar: bool) -> None:
    close(colours(tiff(Page(squares(LUMA), {262: 6, 530: [1, 1]}, planar=planar))), SHOWN, 3)


@pytest.mark.parametrize(("across", "down"), [(2, 1), (2, 2), (4, 1), (1, 2), (4, 4)])
@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("strip", [0, 4])
def test_subsampled_chroma_is_converted(across: int, down: int, compression: int, strip: int) -> None:
    samples = squares(LUMA)
    units = samples.reshape(8 // down, down, 32 // across, across, 3).transpose(0, 2, 1, 3, 4)
    luma = units[..., 0].reshape(8 // down, 32 // across, -1)
    stored = np.concatenate([luma, units[:, :, 0, 0, 1:]], axis=-1).reshape(8 // down, -1)
    rows = (strip or 8) // down
    segments = [compress(stored[top : top + rows], compression) for top in range(0, len(stored), rows)]
    page = Page(samples, {262: 6, 530: [across, down]}, compression, strip=strip, segments=segments)
    close(colours(tiff(page)), SHOWN, 3)


def test_studio_range_of_luma_is_expanded() -> None:
    studio = [16 + value * 219 // 255 for value in LEVELS]
    samples = squares([(value, 128, 128) for value in studio])
    reference = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]
    close(levels(tiff(Page(samples, {262: 6, 530: [1, 1], 532: reference}))), LEVELS, 2)


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


def test_palette_and_inks_with_alpha_are_blended() -> None:
    table = [255 * (number == part) for part in range(3) for number in range(256)]
    data = levels_file([(0, 255), (1, 128), (2, 255), (0, 0)], tags={262: 3, 320: table, 338: 2})
    close(colours(data), [(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)])
    inks = [(0, 255, 255, 0, 255), (255, 0, 255, 0, 128), (255, 255, 0, 0, 255), (0, 0, 0, 0, 0)]
    data = levels_file(inks, tags={262: 5, 338: 2})
    close(colours(data), [(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)])


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_is_applied(orientation: int, dtype: Any) -> None:
    upright = np.kron(np.array([[0, 64], [128, 255]], dtype), np.ones((8, 16), dtype))
    turn = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright[::-1, ::-1].T,
        8: upright.T[:, ::-1],
    }
    scale = 257 if dtype is np.uint16 else 1
    data = tiff(Page(turn[orientation] * scale, {274: orientation}))
    prepared = imaging.prepare(data, InputSpec(32, 16, 1, "pad"))
    assert prepared.box == (0, 0, 32, 16)
    assert prepared.pixels[0, ::8, ::16].tolist() == [[0, 64], [128, 255]]
    assert (prepared.source.rows, prepared.source.columns) == (16, 32)


@pytest.mark.parametrize(
    ("across", "down", "unit", "box"),
    [
        ((200, 1), (100, 1), 2, (0, 0, 32, 32)),
        ((2, 1), (1, 1), 1, (0, 0, 32, 32)),
        ((100, 1), (100, 1), 2, (0, 8, 32, 16)),
        ((1001, 10), (100, 1), 2, (0, 8, 32, 16)),
        ((7200, 1), (72, 1), 2, (0, 8, 32, 16)),
        ((1, 0), (72, 1), 2, (0, 8, 32, 16)),
    ],
)
def test_non_square_pixels_are_stretched(across: Any, down: Any, unit: int, box: Any) -> None:
    page = Page(np.full((16, 32), 255, np.uint8), {282: across, 283: down, 296: unit})
    assert imaging.prepare(tiff(page), InputSpec(32, 32, 1, "pad")).box == box
    turned = Page(np.full((32, 16), 255, np.uint8), {274: 6, 282: across, 283: down, 296: unit})
    if box == (0, 0, 32, 32):  # turning the image exchanges height and width of its pixels
        assert imaging.prepare(tiff(turned), InputSpec(32, 32, 1, "pad")).box == (0, 12, 32, 8)


def test_statistics_do_not_change_the_levels() -> None:
    assert levels(levels_file(LEVELS, tags={280: 10, 281: 20, 340: 10, 341: 20})) == list(LEVELS)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({258: 64}, r"BitsPerSample \(258\) of this TIFF file is 64 and SampleFormat \(339\) is 1"),
        ({258: 24}, r"BitsPerSample \(258\) of this TIFF file is 24"),
        ({258: 64, 339: 2}, "is 64 .*signed"),
        ({258: 24, 339: 3}, "is 24 .*floating"),
        ({339: 4}, r"SampleFormat \(339\) of this TIFF file is 4 \(undefined\)"),
        ({339: 5}, r"5 \(complex integers\)"),
        ({258: 64, 339: 6}, r"6 \(complex numbers\)"),
        ({259: 2}, r"Compression \(259\) of this TIFF file is 2 \(CCITT modified Huffman\)"),
        ({259: 3}, "Group 3"),
        ({259: 4}, "Group 4"),
        ({259: 6}, "obsolete JPEG"),
        ({259: 33003}, "JPEG 2000"),
        ({259: 33005}, "JPEG 2000"),
        ({259: 34712}, "JPEG 2000"),
        ({259: 34887}, "LERC"),
        ({259: 50001}, "WebP"),
        ({259: 12345}, r"Compression \(259\) of this TIFF file is 12345, which"),
        ({262: 4}, r"PhotometricInterpretation \(262\) of this TIFF file is 4 \(a transparency mask\)"),
        ({262: 8, 277: 3}, "CIELab"),
        ({262: 9, 277: 3}, "ICCLab"),
        ({262: 10, 277: 3}, "ITULab"),
        ({262: 32803}, "colour filter array"),
        ({262: 32845}, "LogLuv"),
        ({262: 99}, r"is 99, which"),
        ({262: 5, 277: 4, 332: 2}, r"InkSet \(332\)"),
        ({259: 5, 317: 3}, r"Predictor \(317\) of this TIFF file is 3"),
        ({259: 7, 258: 12}, r"is 7 \(JPEG\) with 12 bits"),
        ({258: [8, 8, 16], 262: 2, 277: 3}, "differs between the samples"),
        ({277: 100}, r"SamplesPerPixel \(277\)"),
    ],
)
def test_unsupported_file_is_named_and_not_called_damaged(tags: Any, words: str) -> None:
    with pytest.raises(errors.UnsupportedImage, match=words) as caught:
        levels(levels_file(LEVELS, tags=tags))
    assert len(caught.value.message) < 250
