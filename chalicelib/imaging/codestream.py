"""Reads the size that a compressed frame claims for itself, before a decoder believes it.

A frame larger than its DICOM header says would be a decompression bomb at best, and at worst make a C
decoder write past the end of its buffer.
"""

import struct

_SOI = b"\xff\xd8"
# Some writers wrap the codestream in a JP2 file, which the standard forbids and every viewer reads.
_JP2_BOX = b"\x00\x00\x00\x0cjP  "
_J2K_START = b"\xff\x4f\xff\x51"
# Start-of-frame markers of ITU-T T.81 table B.1 (C4, C8 and CC in that range mean other things), and SOF55
# of JPEG-LS (ITU-T T.87 C.1.2).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def frame_shape(stream: bytes) -> tuple[int, int, int]:
    """Rows, columns and components of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Raises:
        ValueError: if it is none of them or has no frame header.
    """
    if stream.startswith(_JP2_BOX):
        stream = stream[max(stream.find(_J2K_START), 0) :]
    if stream.startswith(_J2K_START):
        return _jpeg2000_shape(stream)
    if stream.startswith(_SOI):
        return _jpeg_shape(stream)
    raise ValueError("neither a JPEG nor a JPEG 2000 codestream")


def _jpeg2000_shape(stream: bytes) -> tuple[int, int, int]:
    """The SIZ segment, ITU-T T.800 A.5.1: reference grid less image offset."""
    try:
        width, height, left, top = struct.unpack_from(">4I", stream, 8)
        (components,) = struct.unpack_from(">H", stream, 40)
    except struct.error as error:
        raise ValueError("the JPEG 2000 header is cut off") from error
    return height - top, width - left, components


def _jpeg_shape(stream: bytes) -> tuple[int, int, int]:
    position = len(_SOI)
    try:
        while True:
            if stream[position] != 0xFF:
                raise ValueError("no marker where one must be")
            marker = stream[position + 1]
            if marker == 0xFF:  # fill byte
                position += 1
            elif marker in _WITHOUT_LENGTH:
                position += 2
            elif marker in _START_OF_FRAME:
                _, rows, columns, components = struct.unpack_from(">BHHB", stream, position + 4)
                return rows, columns, components
            else:
                (length,) = struct.unpack_from(">H", stream, position + 2)
                position += 2 + length
    except (IndexError, struct.error) as error:
        raise ValueError("the JPEG stream ends before its frame header") from error
