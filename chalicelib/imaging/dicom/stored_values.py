"""Reads the stored values of one frame of a DICOM file, in any supported transfer syntax."""

from struct import unpack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from chalicelib import errors
from chalicelib.imaging.dicom.attributes import ImagePixel, invalid
from chalicelib.imaging.dicom.compressed_frames import FAMILIES, decompress
from chalicelib.imaging.dicom.elements import MAX_QUOTED, DicomFile
from chalicelib.imaging.dicom.encapsulation import frame_bytes
from chalicelib.imaging.dicom.frame_values import (
    StoredValues,
    contradiction,
    damaged_stream,
    from_colour_space,
)

_MAX_RLE_BYTES = 600_000_000
"""Size of a decompressed frame: 100 megapixels of 16-bit colour."""


def read_frame(file: DicomFile, image: ImagePixel, syntax: UID) -> StoredValues:
    """Decode the wanted frame.

    Raises:
        ImageError: if the pixels are cut off, contradict the header or cannot be decoded.
    """
    assert file.pixels
    is_compressed = syntax in FAMILIES or syntax == RLELossless
    if file.pixels.is_encapsulated and not is_compressed:
        raise errors.InvalidImage(
            "PixelData (7FE0,0010) of this DICOM file is compressed, but its transfer syntax says "
            f"{syntax.name}."
        )
    if syntax in FAMILIES:
        return decompress(frame_bytes(file), image, syntax)
    values = _rle(frame_bytes(file), image) if syntax == RLELossless else _native(file, image)
    return from_colour_space(values, image.photometric, image.stored, image.high_bit)


def _native(file: DicomFile, image: ImagePixel) -> NDArray[Any]:
    """The stored values of an uncompressed frame, read by pydicom."""
    assert file.pixels
    pixels = file.pixels
    bits = image.rows * image.columns * image.samples * image.allocated
    photometric = image.photometric
    size = bits // 8
    if photometric == "YBR_FULL_422":
        if pixels.size < size * file.frames:  # otherwise it is not subsampled, regardless of its name
            size = size // 3 * 2
        else:
            photometric = "YBR_FULL"
    needed = (bits * file.frames + 7) // 8 if image.allocated == 1 else size * file.frames
    if pixels.size < needed:
        raise _too_short(file, needed)
    _check_surplus(file, image, size, needed)
    if image.allocated == 1:  # one-bit frames need not begin at a byte
        start, size, frame, frames = pixels.start, needed, file.frame, file.frames
    else:
        start, frame, frames = pixels.start + size * file.frame, 0, 1
    is_swapped = not file.is_little_endian and image.allocated <= 8 and pixels.representation == b"OW"
    content = _swapped(file, start, size) if is_swapped else file.data[start : start + size]
    content += b"\x00" * (len(content) % 2)  # the padding that pydicom expects
    decode = get_decoder(ExplicitVRLittleEndian if file.is_little_endian else ExplicitVRBigEndian)
    options: dict[str, Any] = {
        "rows": image.rows,
        "columns": image.columns,
        "samples_per_pixel": image.samples,
        "photometric_interpretation": photometric,
        "number_of_frames": frames,
        "planar_configuration": int(image.planar),
        "bits_allocated": image.allocated,
        "bits_stored": image.allocated,  # padding may use the other bits
        "pixel_representation": int(image.signed),
        "pixel_keyword": pixels.keyword,
        "pixel_vr": "OB" if is_swapped else pixels.representation.decode() or "OW",
    }
    values, _ = decode.as_array(content, index=frame, raw=True, **options)
    native: NDArray[Any] = values.astype(values.dtype.newbyteorder("="), copy=False)
    return native


def _swapped(file: DicomFile, start: int, size: int) -> bytes:
    """`size` bytes from `start` of pixels whose bytes are swapped in pairs.

    A word holds two 8-bit samples, the first in its lower half (PS3.5 8.1.1). Words are counted from the
    first frame, so every second frame of an odd size begins in the middle of a word.
    """
    assert file.pixels
    skipped = (start - file.pixels.start) % 2
    words = file.data[start - skipped : start + size + 1]
    words = words[: len(words) // 2 * 2]
    return np.frombuffer(words, "u2").byteswap().tobytes()[skipped : skipped + size]


def _check_surplus(file: DicomFile, image: ImagePixel, size: int, needed: int) -> None:
    """Refuse surplus pixels of a row or more that do not make a whole frame: the image would be sheared.

    Surplus zeros are accepted, because some writers add padding.
    """
    assert file.pixels
    pixels, end = file.pixels, file.pixels.start + file.pixels.size
    surplus = (pixels.size - needed) % size
    row = image.columns * image.samples * image.allocated // 8
    if image.allocated > 1 and surplus >= row and any(file.data[end - surplus : end]):
        raise invalid(
            pixels.keyword,
            f"has {pixels.size:,} bytes, where Rows {image.rows} and Columns {image.columns} need {needed:,}",
        )


def _too_short(file: DicomFile, needed: int) -> errors.ImageError:
    assert file.pixels
    pixels = file.pixels
    # The number of frames could be calculated from the bytes that they need.
    size = f"{needed:,}" if file.frames <= MAX_QUOTED else "many more"
    if pixels.is_cut_off:
        return errors.DamagedImage(
            f"The DICOM file is damaged or cut off: {pixels.size:,} of {size} bytes of its pixels are "
            "present. Copy it again."
        )
    return invalid(
        pixels.keyword,
        f"has {pixels.size:,} bytes, where its size, bits and number of frames need {size}",
    )


def _rle(stream: bytes, image: ImagePixel) -> NDArray[Any]:
    """Decode RLE (PS3.5 annex G): a segment for each byte of each sample, the most significant first."""
    if image.allocated == 1:
        raise errors.UnsupportedImage("RLE with BitsAllocated (0028,0100) of 1 cannot be read here.")
    width = image.allocated // 8
    count = image.samples * width
    if len(stream) < 64:
        raise damaged_stream("RLE", "its header is cut off")
    segments, *offsets = unpack("<16I", stream[:64])
    if segments != count:
        raise contradiction(
            "RLE", [f"{segments} segments, where SamplesPerPixel and BitsAllocated need {count}"]
        )
    if count * image.rows * image.columns > _MAX_RLE_BYTES:
        raise errors.ImageTooLarge(
            f"The image has {image.columns} x {image.rows} pixels of {image.samples * image.allocated} bits, "
            "too many to decompress. Send a smaller version, or one with fewer bits."
        )
    # Little-endian; each plane goes straight to its place, because a second copy would not fit into memory.
    content = np.zeros((image.rows, image.columns, image.samples, width), np.uint8)
    for number, (start, end) in enumerate(zip(offsets, [*offsets[1:count], len(stream)], strict=False)):
        if number == count:
            break
        if not 64 <= start < end <= len(stream):
            raise damaged_stream("RLE", f"segment {number + 1} is outside it")
        sample, byte = divmod(number, width)
        content[..., sample, width - 1 - byte] = _unpack_bits(stream[start:end], image)
    values = content.view(f"<{'i' if image.signed else 'u'}{width}")[..., 0]
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return values if image.samples > 1 else values[..., 0]


def _unpack_bits(segment: bytes, image: ImagePixel) -> NDArray[np.uint8]:
    """Decode one plane; its coding is PackBits.

    RLE does not state the size of a plane, but the segment reveals it. Padding with zeros is ignored.
    """
    size = image.rows * image.columns
    plane = _bounded_plane(segment, size)
    if plane is None:
        raise damaged_stream("RLE", "a segment ends before its plane is full")
    # One more row or column than the header says adds at least this many samples.
    if _bounded_plane(segment.rstrip(b"\x00"), size + min(image.rows, image.columns)) is not None:
        raise contradiction("RLE", [f"more samples than Rows {image.rows} and Columns {image.columns} have"])
    return plane.reshape(image.rows, image.columns)


def _bounded_plane(segment: bytes, size: int) -> NDArray[np.uint8] | None:
    """The first `size` samples of a segment, or None if it has fewer.

    Pillow's decoder stops at `size`: a few bytes could expand to gigabytes.
    """
    try:
        line = Image.frombytes("L", (size, 1), segment, "packbits", "L")
    except ValueError:
        return None
    return np.asarray(line).reshape(size)
