"""JPEG and other files that a browser could decode differently from the server."""

import struct
from io import BytesIO

import numpy as np
from PIL import Image

from tests import images
from tests.browser.odd_pngs import RESOLUTIONS, XMP_TURNED, noise, smooth, turned_exif, wide_profile


def segment(marker: int, content: bytes) -> bytes:
    """A marker segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def behind_start(data: bytes, *segments: bytes) -> bytes:
    """A JPEG file with additional segments at the start."""
    return data[:2] + b"".join(segments) + data[2:]


def jfif(across: int, down: int, length: int = 14) -> bytes:
    """A JFIF segment with a resolution in pixels per inch."""
    return segment(0xE0, (b"JFIF\0\1\1\1" + struct.pack(">HHH", across, down, 0))[:length])


def without_scan(data: bytes, number: int) -> bytes:
    """A progressive JPEG file without one of its scans."""
    pieces = data.split(b"\xff\xda")
    end = b"" if number < len(pieces) - 2 else b"\xff\xd9"
    return b"\xff\xda".join([*pieces[: number + 1], *pieces[number + 2 :]]) + end


def scan(data: bytes) -> int:
    """The offset of the entropy-coded data of a baseline JPEG file."""
    place = data.index(b"\xff\xda")
    return place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def frame(data: bytes) -> int:
    """The offset of the frame header of a baseline JPEG file."""
    return data.index(b"\xff\xc0")


def edited(data: bytes, at: int, *values: int) -> bytes:
    """The file with some bytes replaced."""
    return data[:at] + bytes(values) + data[at + len(values) :]


def jpegs_read_here() -> dict[str, bytes]:
    """JPEG files that the page must read as the server does."""
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
        **{
            f"JFIF {across} x {down}": behind_start(plain[:2] + plain[20:], jfif(across, down))
            for across, down in RESOLUTIONS
        },
        "JFIF twice": behind_start(plain[:2] + plain[20:], jfif(100, 300), jfif(2, 1)),
        "short JFIF": behind_start(plain[:2] + plain[20:], jfif(100, 300, length=12)),
        "short JFIF, stored as RGB": behind_start(
            images.encode(colour, "JPEG", quality=95, keep_rgb=True), jfif(1, 3, length=12)
        ),
        "Adobe twice": behind_start(
            images.encode(colour, "JPEG", quality=95, keep_rgb=True), segment(0xEE, b"Adobe\0d\0\0\0\0\1")
        ),
        "oblong, turned": behind_start(
            plain[:2] + plain[20:], jfif(100, 300), segment(0xE1, turned_exif(6).tobytes())
        ),
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
    """JPEG files that browsers may decode differently, or that may be damaged."""
    colour = smooth(3)
    plain = images.encode(colour, "JPEG", quality=95)
    progressive = images.encode(colour, "JPEG", progressive=True)
    start, head = scan(plain), frame(plain)
    busy = images.encode(Image.fromarray(noise(61, 47, 3)), "JPEG", quality=95)
    restarts = images.encode(colour, "JPEG", quality=95, restart_marker_blocks=2)
    first = restarts.index(b"\xff\xd1")
    middle = (start + len(plain)) // 2
    exif = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\4\0\1\0\0\0\x06\0\0\0\0\0\0\0"
    return {
        "CMYK": images.encode(colour.convert("CMYK"), "JPEG"),
        "progressive": progressive,
        **{f"progressive without scan {scan + 1}": without_scan(progressive, scan) for scan in (0, 1, -2)},
        "progressive, cut off, with an end": progressive[: len(progressive) // 2] + b"\xff\xd9",
        **{
            f"SOF{process}": edited(plain, head + 1, 0xC0 + process)
            for process in (5, 6, 7, 10, 11, 13, 14, 15)
        },
        "JPEG-LS": edited(plain, head + 1, 0xF7),
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
        "a restart too many": restarts[:-2] + b"\xff" + bytes([next_restart(restarts)]) + b"\xff\xd9",
        "restarts without an interval": edited(restarts, restarts.index(b"\xff\xdd") + 4, 0, 0),
        "restarts at another interval": edited(restarts, restarts.index(b"\xff\xdd") + 4, 0, 3),
        "no restarts where they should be": behind_start(plain, segment(0xDD, b"\0\2")),
        "bytes behind the pixels": plain[:-2] + bytes(20) + b"\xff\xd9",
        "taller than its pixels": edited(plain, head + 5, 0, 200),
        "shorter than its pixels": edited(plain, head + 5, 0, 20),
        "no height": edited(plain, head + 5, 0, 0),
        "two components of the same number": edited(plain, head + 13, 1),
        "no sampling": edited(plain, head + 11, 0, 0, 2, 0, 1, 3, 0),
        "sampled five times": edited(plain, head + 11, 0x51),
        "a longer header of the scan": longer_scan_header(plain),
        "too many segments": behind_start(plain, segment(0xFE, b"") * 10_000),
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


def next_restart(data: bytes) -> int:
    """The next restart marker."""
    last = max(range(0xD0, 0xD8), key=lambda marker: data.rfind(bytes([0xFF, marker])))
    return 0xD0 + (last - 0xD0 + 1) % 8


def longer_scan_header(data: bytes) -> bytes:
    """A JPEG file with two bytes too many in the header of its scan."""
    place = data.index(b"\xff\xda")
    return data[: place + 2] + b"\0\x0e" + data[place + 4 : place + 14] + b"\0\0" + data[place + 14 :]


def refused_everywhere() -> dict[str, bytes]:
    """Files that both sides refuse, though browsers could read some: other formats, excessive sizes."""
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
    """TIFF files, which only Safari can read."""
    colour = smooth(3)
    return {
        "TIFF": images.encode(colour, "TIFF"),
        "big-endian TIFF": b"MM\0*" + images.encode(colour, "TIFF")[4:],
        "BigTIFF": images.encode(colour, "TIFF", big_tiff=True),
    }
