"""PNG files that a browser could decode differently from the server."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from tests import images

RNG = np.random.default_rng(11)
SIZE = (47, 61)
"""Columns and rows; neither is a multiple of the JPEG block size."""


def smooth(channels: int, columns: int = SIZE[0], rows: int = SIZE[1]) -> Image.Image:
    """A smooth picture, without sharp edges that decoders reconstruct differently."""
    few = RNG.integers(40, 216, (7, 6, channels)).astype(np.uint8)
    return Image.fromarray(few[..., 0] if channels == 1 else few).resize(
        (columns, rows), Image.Resampling.BICUBIC
    )


def noise(*shape: int, high: int = 256) -> NDArray[np.uint8]:
    """Random values."""
    return RNG.integers(0, high, shape).astype(np.uint8)


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def chunks(data: bytes) -> Iterator[bytes]:
    """All chunks of a PNG file."""
    at = 8
    while at < len(data):
        end = at + 12 + struct.unpack(">I", data[at : at + 4])[0]
        yield data[at:end]
        at = end


def with_chunk(data: bytes, name: bytes, content: bytes) -> bytes:
    """A PNG file with an additional chunk after its header."""
    return data[:33] + chunk(name, content) + data[33:]


def png(samples: NDArray[Any], colour: int, depth: int = 8, *, interlaced: bool = False) -> bytes:
    """A PNG file of samples (rows, columns, samples per pixel) as they are, which Pillow cannot write.

    Rows of fewer than 8 bits a sample are given packed."""
    rows = samples.shape[0]
    columns = samples.shape[1] * 8 // depth if depth < 8 else samples.shape[1]
    big = samples.astype(samples.dtype.newbyteorder(">"))
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ]
    lines = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in big[top::down, left::across]
        if row.size
    )
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def pnginfo(*texts: tuple[str, str, str]) -> PngImagePlugin.PngInfo:
    """Text chunks, given by type, keyword and text."""
    info = PngImagePlugin.PngInfo()
    for kind, keyword, text in texts:
        if kind == "iTXt":
            info.add_itxt(keyword, text)
        else:
            info.add_text(keyword, text, zip=kind == "zTXt")
    return info


RESOLUTIONS = [(100, 300), (300, 100), (1000, 1009), (1000, 1011), (1, 10), (1, 11), (0, 100), (100, 0)]
"""Pixels per unit, horizontal and vertical: plausible and implausible ones."""

XMP_TURNED = '<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def turned_exif(orientation: int) -> Image.Exif:
    """Exif data with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def wide_profile() -> bytes:
    """An ICC profile with swapped colours, which colour management would change strongly."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"####", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"####", b"bXYZ", 1)


def pngs_read_here() -> dict[str, bytes]:
    """PNG files that the page must read as the server does."""
    grey, colour = Image.fromarray(noise(61, 47)), Image.fromarray(noise(61, 47, 3))
    alpha = colour.copy()
    alpha.putalpha(Image.fromarray(noise(61, 47)))
    palette = colour.quantize(256)
    animation = BytesIO()
    colour.save(animation, "PNG", save_all=True, append_images=[Image.new("RGB", SIZE)], duration=100)
    return {
        "grey": images.encode(grey, "PNG"),
        "colour": images.encode(colour, "PNG"),
        "palette": images.encode(palette, "PNG"),
        "palette of 4 bits": images.encode(colour.quantize(16), "PNG", bits=4),
        "palette of 2 bits": images.encode(colour.quantize(4), "PNG", bits=2),
        "palette with transparency": images.encode(palette, "PNG", transparency=bytes(range(256))),
        "black and white": images.encode(grey.convert("1"), "PNG"),
        "grey of 2 bits": png(noise(61, 12), 0, 2),
        "grey of 4 bits": png(noise(61, 24), 0, 4),
        "grey and alpha": images.encode(Image.merge("LA", (grey, Image.fromarray(noise(61, 47)))), "PNG"),
        "colour and alpha": images.encode(alpha, "PNG"),
        "interlaced": png(noise(61, 47, 3), 2, interlaced=True),
        "interlaced grey": png(noise(61, 47, 1), 0, interlaced=True),
        "filtered": images.encode(smooth(3), "PNG", optimize=True),
        "several IDAT": in_pieces(images.encode(colour, "PNG")),
        "behind the end": images.encode(grey, "PNG") + b"more",
        "text": images.encode(
            grey, "PNG", pnginfo=pnginfo(("tEXt", "Comment", "none"), ("iTXt", "Title", "none"))
        ),
        "profile": images.encode(colour, "PNG", icc_profile=wide_profile()),
        "gamma 1": with_chunk(images.encode(colour, "PNG"), b"gAMA", struct.pack(">I", 100_000)),
        "primaries": with_chunk(
            with_chunk(
                images.encode(colour, "PNG"),
                b"cHRM",
                struct.pack(">8I", 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600),
            ),
            b"gAMA",
            struct.pack(">I", 45_455),
        ),
        "sRGB": with_chunk(images.encode(colour, "PNG"), b"sRGB", b"\0"),
        "PQ": with_chunk(images.encode(colour, "PNG"), b"cICP", bytes([9, 16, 0, 1])),
        "significant bits": with_chunk(images.encode(grey, "PNG"), b"sBIT", b"\5"),
        "background": with_chunk(images.encode(alpha, "PNG"), b"bKGD", struct.pack(">3H", 255, 255, 255)),
        **{
            f"pHYs {across} x {down}": with_chunk(
                images.encode(grey, "PNG"), b"pHYs", struct.pack(">IIB", across, down, 1)
            )
            for across, down in RESOLUTIONS
        },
        "pHYs twice": with_chunk(
            images.encode(grey, "PNG", dpi=(100, 300)), b"pHYs", struct.pack(">IIB", 3, 1, 0)
        ),
        "short pHYs": with_chunk(images.encode(grey, "PNG"), b"pHYs", struct.pack(">II", 100, 300)),
        "palette in an RGB image": with_chunk(images.encode(colour, "PNG"), b"PLTE", bytes(768)),
        "transparency beside alpha": with_chunk(images.encode(alpha, "PNG"), b"tRNS", bytes(6)),
        "animation": animation.getvalue(),
        "turned by Exif as text": images.encode(
            colour,
            "PNG",
            pnginfo=pnginfo(("zTXt", "Raw profile type exif", raw_profile(turned_exif(6).tobytes()))),
        ),
        "turned by XMP": images.encode(
            colour, "PNG", pnginfo=pnginfo(("iTXt", "XML:com.adobe.xmp", XMP_TURNED))
        ),
        "compressed text": images.encode(grey, "PNG", pnginfo=pnginfo(("zTXt", "Comment", "a" * 2_000_000))),
        "a profile of another kind": with_chunk(
            images.encode(colour, "PNG"), b"iCCP", b"Profile\0\1" + zlib.compress(bytes(100))
        ),
        "unknown chunk": with_chunk(images.encode(colour, "PNG"), b"abCd", b"anything"),
    }


def in_pieces(data: bytes, size: int = 500) -> bytes:
    """A PNG file with pixel data in many chunks."""
    made = data[:8]
    for part in chunks(data):
        if part[4:8] != b"IDAT":
            made += part
            continue
        content = part[8:-4]
        made += b"".join(chunk(b"IDAT", content[at : at + size]) for at in range(0, len(content), size))
    return made


def pngs_left_to_the_server() -> dict[str, bytes]:
    """PNG files that browsers may decode differently, or that cannot be checked."""
    grey, colour = Image.fromarray(noise(61, 47)), Image.fromarray(noise(61, 47, 3))
    twelve = images.gradient(61, 47, 0, 4095).astype("u2")
    whole = in_pieces(images.encode(colour, "PNG"))
    pixels = next(part[8:-4] for part in chunks(images.encode(colour, "PNG")) if part[4:8] == b"IDAT")
    lines = bytearray(zlib.decompress(pixels))
    wrong_filter = bytes([*lines[:142], 9, *lines[143:]])
    lost = [part for number, part in enumerate(chunks(whole)) if number != 6]
    flipped = bytearray(whole)
    flipped[600] ^= 0x10

    palette = colour.quantize(256)
    with_transparency = images.encode(palette, "PNG", transparency=bytes(range(256)))

    def packed(data: bytes) -> bytes:
        return whole[:33] + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    return {
        "16 bits": images.encode(Image.fromarray(twelve * 16), "PNG"),
        "12 bits in 16": images.encode(Image.fromarray(twelve), "PNG"),
        "RGB of 16 bits": png(np.stack([twelve] * 3, axis=-1), 2, 16),
        "grey and alpha of 16 bits": png(np.stack([twelve, twelve * 0 + 65_535], axis=-1), 4, 16),
        "RGBA of 16 bits": png(np.stack([twelve, twelve, twelve, twelve * 0 + 65_535], axis=-1), 6, 16),
        "one grey transparent": images.encode(grey, "PNG", transparency=7),
        "one colour transparent": images.encode(colour, "PNG", transparency=(1, 2, 3)),
        "turned by Exif": images.encode(colour, "PNG", exif=turned_exif(6)),
        "cut off": whole[: len(whole) // 2],
        "no end": whole[:-12],
        "a lost chunk of pixels": whole[:8] + b"".join(lost),
        "a wrong bit": bytes(flipped),
        "no checksum of the pixels": packed(pixels[:-4]),
        "a wrong checksum of the pixels": packed(pixels[:-4] + b"abcd"),
        "too few pixels": packed(zlib.compress(bytes(lines[:-142]))),
        "too many pixels": packed(zlib.compress(bytes(lines) + bytes(142))),
        "more behind the pixels": packed(pixels + b"more"),
        "an unknown filter": packed(zlib.compress(wrong_filter)),
        "no pixels": packed(b""),
        "fewer colours than indices": images.encode(colour.quantize(64), "PNG"),
        "an index without a colour": palette_too_short(),
        "no palette": b"".join(
            [
                whole[:8],
                *(part for part in chunks(images.encode(colour.quantize(4), "PNG")) if part[4:8] != b"PLTE"),
            ]
        ),
        "unknown critical chunk": with_chunk(whole, b"ABCD", b""),
        "a wrong header": bytes([*whole[:16], 9, *whole[17:]]),
        "a header of another kind": reheaded(whole, colour_type=5),
        "size 0": reheaded(whole, columns=0),
        **{
            f"a wrong checksum of {name.decode()}": wrong_checksum(data, name)
            for name, data in (
                (b"IHDR", whole),
                (b"IDAT", whole),
                (b"PLTE", with_transparency),
                (b"tRNS", with_transparency),
                (b"pHYs", images.encode(grey, "PNG", dpi=(100, 300))),
                (b"tEXt", images.encode(grey, "PNG", pnginfo=pnginfo(("tEXt", "Comment", "none")))),
            )
        },
        **{f"{name.decode()} twice": twice(with_transparency, name) for name in (b"IHDR", b"PLTE", b"tRNS")},
        "transparency before the palette": in_order(with_transparency, b"IHDR", b"tRNS", b"PLTE", b"IDAT"),
        "transparency behind the pixels": in_order(with_transparency, b"IHDR", b"PLTE", b"IDAT", b"tRNS"),
        "palette behind the pixels": in_order(with_transparency, b"IHDR", b"IDAT", b"PLTE", b"tRNS"),
        "transparency of more colours than there are": with_more_transparency(with_transparency),
        "too few rows": packed(zlib.compress(bytes(lines[: 20 * 142]))),
        "too few rows, interlaced": interlaced_too_few(),
        "too many chunks": whole[:33] + chunk(b"tEXt", b"a\0") * 100_000 + whole[33:],
        "mangled line ends": b"\x89PNG\n\x1a\n" + whole[8:],
    }


def wrong_checksum(data: bytes, name: bytes) -> bytes:
    """A PNG file with a wrong checksum in the first chunk of this name."""
    at = data.index(name) - 4
    end = at + 12 + struct.unpack(">I", data[at : at + 4])[0]
    return data[: end - 1] + bytes([data[end - 1] ^ 1]) + data[end:]


def twice(data: bytes, name: bytes) -> bytes:
    """A PNG file with a repeated chunk."""
    return data[:8] + b"".join(part * (2 if part[4:8] == name else 1) for part in chunks(data))


def in_order(data: bytes, *names: bytes) -> bytes:
    """A PNG file with reordered chunks."""
    order = (*names, b"IEND")
    parts = sorted(chunks(data), key=lambda part: order.index(part[4:8]))
    return data[:8] + b"".join(parts)


def with_more_transparency(data: bytes) -> bytes:
    """A PNG file with more transparency entries than palette entries."""
    parts = (chunk(b"tRNS", part[8:-4] + b"\0") if part[4:8] == b"tRNS" else part for part in chunks(data))
    return data[:8] + b"".join(parts)


def interlaced_too_few() -> bytes:
    """An interlaced PNG file whose header states too many rows."""
    data = png(noise(61, 47, 3), 2, interlaced=True)
    return data[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 47, 64, 8, 2, 0, 0, 1)) + data[33:]


def reheaded(data: bytes, columns: int = SIZE[0], colour_type: int = 2) -> bytes:
    """A PNG file with a replaced header."""
    header = struct.pack(">IIBBBBB", columns, SIZE[1], 8, colour_type, 0, 0, 0)
    return data[:8] + chunk(b"IHDR", header) + data[33:]


def raw_profile(content: bytes) -> str:
    """Exif data in a text chunk, as ImageMagick wrote it."""
    return (
        f"\nexif\n{len(content):8}\n"
        + "\n".join(content.hex()[at : at + 72] for at in range(0, 2 * len(content), 72))
        + "\n"
    )


def palette_too_short() -> bytes:
    """A PNG file with pixel indices beyond its palette."""
    data = images.encode(Image.fromarray(noise(61, 47, 3)).quantize(64), "PNG")
    parts = [part if part[4:8] != b"PLTE" else chunk(b"PLTE", part[8 : 8 + 3 * 16]) for part in chunks(data)]
    return data[:8] + b"".join(parts)
