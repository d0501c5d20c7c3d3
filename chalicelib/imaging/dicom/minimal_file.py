"""Wraps a codestream in a DICOM file whose header is made from the stream's own.

The DICOM header that came with the stream never reaches the decoder, which would trust it.
"""

from io import BytesIO
from struct import pack

from chalicelib.imaging.codestream import Codestream, Family, with_colour_transform

_JPEG_LS, _JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
_JPEG_EXTENDED, _JPEG_LOSSLESS = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57"


def minimal_file(stream: bytes, claims: Codestream) -> list[bytes]:
    """The parts of the file, in Explicit VR Little Endian; joining them would copy the stream."""
    if claims.family is Family.JPEG:
        stream = with_colour_transform(stream, transform=False)
    stream = stream[claims.start :] + b"\x00" * ((len(stream) - claims.start) % 2)
    syntax = {
        Family.JPEG_LS: _JPEG_LS,
        Family.JPEG_2000: _JPEG_2000,
        Family.JPEG: _JPEG_LOSSLESS if claims.lossless else _JPEG_EXTENDED,
    }[claims.family]
    photometric = "RGB" if claims.components == 3 else "MONOCHROME2"
    head = BytesIO()
    head.write(bytes(128) + b"DICM")
    head.write(_element(0x0002, 0x0010, b"UI", syntax.encode()))
    head.write(_element(0x0028, 0x0002, b"US", pack("<H", claims.components)))
    head.write(_element(0x0028, 0x0004, b"CS", photometric.encode()))
    for element, value in (
        (0x0006, 0),  # planar configuration
        (0x0010, claims.rows),
        (0x0011, claims.columns),
        (0x0100, 8 if claims.precision <= 8 else 16),  # bits allocated
        (0x0101, claims.precision),  # bits stored
        (0x0102, claims.precision - 1),  # high bit
        (0x0103, claims.signed),  # pixel representation
    ):
        head.write(_element(0x0028, element, b"US", pack("<H", value)))
    undefined = 0xFFFFFFFF
    head.write(pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, undefined))
    head.write(pack("<HHI", 0xFFFE, 0xE000, 0))  # an empty offset table
    head.write(pack("<HHI", 0xFFFE, 0xE000, len(stream)))
    return [head.getvalue(), stream, pack("<HHI", 0xFFFE, 0xE0DD, 0)]


def _element(group: int, element: int, representation: bytes, value: bytes) -> bytes:
    """A data element in Explicit VR Little Endian (PS3.5 section 7.1.2)."""
    value += (b" " if representation == b"CS" else b"\x00") * (len(value) % 2)
    return pack("<HH2sH", group, element, representation, len(value)) + value
