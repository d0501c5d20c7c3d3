"""JPEG files, and others, that a browser could read otherwise than the server does."""

import struct
from io import BytesIO

import numpy as np
from PIL import Image

from tests import images
from tests.browser.odd_pngs import XMP_TURNED, noise, smooth, turned_exif, wide_profile


def segment(marker: int, content: bytes) -> bytes:
    """A marker segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def behind_start(data: bytes, *segments: bytes) -> bytes:
    """A JPEG file with further segments in front."""
    return data[:2] + b"".join(segments) + data[2:]


def scan(data: bytes) -> int:
    """Where the coded pixels of a baseline JPEG file begin."""
    place = data.index(b"\xff\xda")
    return place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def frame(data: bytes) -> int:
    """Where the frame header of a baseline JPEG file begins."""
    return data.index(b"\xff\xc0")


def edited(data: bytes, at: int, *values: int) -> bytes:
    """The file with other bytes at one place."""
    return data[:at] + bytes(values) + data[at + len(values) :]


def jpegs_read_here() -> dict[str, bytes]:
    """Kinds of JPEG that the page must read, and read as the server does."""
    grey, colour = smooth(1), smooth(3)
    plain = images.encode(colour, "JPEG", quality=95)
    made = {
        "grey": images.encode(grey, "JPEG", quality=95),
        "colour": plain,
        "4:4:4": images.encode(colour, "JPEG", quality=95, subsampling="4:4:4"),
        "4:2:2": images.encode(colour, "JPEG", quality=95, subsampling="4:2:2"),
        "noise": images.encode(Image.fromarray(noise(61, 47, 3)), "JPEG", quality=95),
        "saturated": images.encode(
            Image.fromarray(np.kron(noise(8, 6, 3, high=2) * 255, np.ones((8, 8, 1), "u1"))), "JPEG"
        ),
        "stored as RGB": images.encode(colour, "JPEG", quality=95, keep_rgb=True),
        "restart markers": images.encode(colour, "JPEG", quality=95, restart_marker_blocks=2),
        "optimised": images.encode(colour, "JPEG", quality=95, optimize=True),
        "profile": images.encode(colour, "JPEG", quality=95, icc_profile=wide_profile()),
        "oblong": images.encode(colour, "JPEG", quality=95, dpi=(100, 300)),
        "comment": behind_start(plain, segment(0xFE, b"\xff\xd9 none")),
        "fill bytes": behind_start(plain, b"\xff\xff\xff"),
        "behind the end": plain + b"more\xff\xd8",
        "Exif that turns nothing": images.encode(colour, "JPEG", quality=95, exif=turned_exif(1)),
        "turned by XMP": behind_start(
            plain, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_TURNED.encode())
        ),
        "nearly XMP": behind_start(
            plain, segment(0xE1, b"http://ns.adobe.com/xap/1.0/ " + XMP_TURNED.encode())
        ),
        "large": images.encode(smooth(3, 1201, 1903), "JPEG", quality=95),
        "large, noise": images.encode(Image.fromarray(noise(1203, 901, 3)), "JPEG"),
        "large, saturated": images.encode(
            Image.fromarray(np.kron(noise(120, 75, 3, high=2) * 255, np.ones((16, 16, 1), "u1"))), "JPEG"
        ),
    }
    for orientation in range(1, 9):
        exif = turned_exif(orientation)
        made[f"orientation {orientation}"] = images.encode(colour, "JPEG", quality=95, exif=exif)
        made[f"orientation {orientation}, big-endian"] = images.encode(
            colour,
            "JPEG",
            quality=95,
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0" + bytes([orientation]) + bytes(6),
        )
    pair = BytesIO()
    colour.save(pair, "MPO", save_all=True, append_images=[smooth(3)], quality=95)
    made["several pictures (MPO)"] = pair.getvalue()
    return made


def jpegs_left_to_the_server() -> dict[str, bytes]:
    """Kinds that browsers read otherwise, or that may be damaged."""
    colour = smooth(3)
    plain = images.encode(colour, "JPEG", quality=95)
    start, head = scan(plain), frame(plain)
    busy = images.encode(Image.fromarray(noise(61, 47, 3)), "JPEG", quality=95)
    restarts = images.encode(colour, "JPEG", quality=95, restart_marker_blocks=2)
    first = restarts.index(b"\xff\xd1")
    middle = (start + len(plain)) // 2
    exif = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\4\0\1\0\0\0\x06\0\0\0\0\0\0\0"
    return {
        "CMYK": images.encode(colour.convert("CMYK"), "JPEG"),
        "progressive": images.encode(colour, "JPEG", progressive=True),
        "12 bits": edited(plain, head + 4, 12),
        "arithmetic coding": edited(plain, head + 1, 0xC9),
        "lossless": edited(plain, head + 1, 0xC3),
        "no end": plain[:-2],
        "cut off": plain[:middle],
        "cut off, with an end": plain[:middle] + b"\xff\xd9",
        "cut off near the end": plain[:-30] + b"\xff\xd9",
        "bytes lost in the middle": busy[: len(busy) // 2] + busy[len(busy) // 2 + 900 :],
        "another marker in the pixels": edited(plain, middle, 0xFF, 0xC4),
        "a lost restart": restarts[:first] + restarts[restarts.index(b"\xff\xd2") :],
        "restarts in another order": restarts[:first] + b"\xff\xd2" + restarts[first + 2 :],
        "bytes behind the pixels": plain[:-2] + bytes(20) + b"\xff\xd9",
        "taller than its pixels": edited(plain, head + 5, 0, 200),
        "shorter than its pixels": edited(plain, head + 5, 0, 20),
        "no height": edited(plain, head + 5, 0, 0),
        "two components": edited(plain, head + 9, 2),
        "Huffman table missing": edited(plain, plain.index(b"\xff\xc4") + 1, 0xEF),
        "quantisation table missing": edited(plain, plain.index(b"\xff\xdb") + 1, 0xEF),
        "two frames": plain[:head] + plain[head : head + 19] + plain[head:],
        "orientation of another type": behind_start(plain, segment(0xE1, exif)),
        "orientation 9": images.encode(colour, "JPEG", exif=turned_exif(9)),
        "two orientations": behind_start(
            plain, *(segment(0xE1, turned_exif(turn).tobytes()) for turn in (6, 3))
        ),
        "Exif and XMP that differ": behind_start(
            images.encode(colour, "JPEG", exif=turned_exif(3)),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_TURNED.encode()),
        ),
        "Exif that is no TIFF": behind_start(plain, segment(0xE1, exif.replace(b"*", b"+"))),
        "only a start": b"\xff\xd8\xff",
        "empty frame": plain[:head],
    }


def refused_everywhere() -> dict[str, bytes]:
    """What neither side reads, though browsers could: other formats, and sizes beyond the limits."""
    colour = smooth(3)
    return {
        **{kind: images.encode(colour, kind) for kind in ("GIF", "BMP", "WEBP", "AVIF", "ICO", "JPEG2000")},
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
        "text": b"These are notes, not an image.\n" * 20,
        "nothing": b"",
        "zeros": bytes(4000),
        "PNG of 900 megapixels": images.png_bomb(),
        "PNG of 7 rows": images.encode(Image.new("L", (40, 7)), "PNG"),
        "JPEG of 7 columns": images.encode(Image.new("L", (7, 40)), "JPEG"),
    }


def tiffs() -> dict[str, bytes]:
    """No browser but Safari reads TIFF."""
    colour = smooth(3)
    return {
        "TIFF": images.encode(colour, "TIFF"),
        "big-endian TIFF": b"MM\0*" + images.encode(colour, "TIFF")[4:],
        "BigTIFF": images.encode(colour, "TIFF", big_tiff=True),
    }
