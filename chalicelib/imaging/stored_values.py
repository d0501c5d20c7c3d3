"""The stored values of one frame of a DICOM file, whatever its transfer syntax."""

from dataclasses import dataclass
from io import BytesIO
from struct import unpack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels.decoders import ExplicitVRBigEndianDecoder, ExplicitVRLittleEndianDecoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from chalicelib import errors
from chalicelib.imaging import codestream, decoder
from chalicelib.imaging.attributes import ImagePixel, invalid
from chalicelib.imaging.codestream import Codestream, Family
from chalicelib.imaging.decoded import Pixels
from chalicelib.imaging.elements import DicomFile
from chalicelib.imaging.encapsulation import frame_bytes

FAMILIES = {
    JPEGBaseline8Bit: Family.JPEG,
    JPEGExtended12Bit: Family.JPEG,
    JPEGLossless: Family.JPEG,
    JPEGLosslessSV1: Family.JPEG,
    JPEGLSLossless: Family.JPEG_LS,
    JPEGLSNearLossless: Family.JPEG_LS,
    JPEG2000Lossless: Family.JPEG_2000,
    JPEG2000: Family.JPEG_2000,
}
"""Which kind of stream a transfer syntax promises."""


@dataclass(frozen=True)
class StoredValues:
    """One frame as it is stored."""

    values: NDArray[Any]
    """(rows, columns), or RGB of shape (rows, columns, 3)."""
    bits: int
    """Bits that carry a value."""


def needs_child_process(syntax: UID) -> bool:
    """Whether files of this transfer syntax are, as a rule, decoded by dicomsdl."""
    return syntax in FAMILIES and syntax != JPEGBaseline8Bit


def read_frame(file: DicomFile, image: ImagePixel, syntax: UID) -> StoredValues:
    """Decode the wanted frame.

    Raises:
        ImageError: if the pixels are cut off, contradict their header or cannot be decoded.
    """
    assert file.pixels
    is_compressed = syntax in FAMILIES or syntax == RLELossless
    if file.pixels.is_encapsulated and not is_compressed:
        raise errors.InvalidImage(
            f"PixelData (7FE0,0010) of this DICOM file is compressed, but its transfer syntax says {syntax.name}."
        )
    if syntax == RLELossless:
        return _from_colour_space(_rle(frame_bytes(file), image), image.photometric, image.stored)
    if syntax in FAMILIES:
        return _decompress(frame_bytes(file), image, syntax)
    return _from_colour_space(_native(file, image), image.photometric, image.stored)


def _native(file: DicomFile, image: ImagePixel) -> NDArray[Any]:
    """The stored values of an uncompressed frame, by pydicom."""
    assert file.pixels
    pixels = file.pixels
    bits = image.rows * image.columns * image.samples * image.allocated
    photometric = image.photometric
    size = bits // 8
    if photometric == "YBR_FULL_422":
        if pixels.size < size * file.frames:  # else it was not subsampled, whatever it is called
            size = size // 3 * 2
        else:
            photometric = "YBR_FULL"
    needed = (bits * file.frames + 7) // 8 if image.allocated == 1 else size * file.frames
    if pixels.size < needed:
        raise _too_short(file, needed)
    if image.allocated == 1:  # whose frames need not begin with a byte
        start, size, frame, frames = pixels.start, needed, file.frame, file.frames
    else:
        start, frame, frames = pixels.start + size * file.frame, 0, 1
        if size % 2 and size == pixels.size - 1:
            size += 1  # padding
    decode = ExplicitVRLittleEndianDecoder if file.is_little_endian else ExplicitVRBigEndianDecoder
    values, _ = decode.as_array(
        file.data[start : start + size], index=frame, raw=True, rows=image.rows, columns=image.columns,
        samples_per_pixel=image.samples, photometric_interpretation=photometric, number_of_frames=frames,
        planar_configuration=int(image.planar), bits_allocated=image.allocated, bits_stored=image.stored,
        pixel_representation=int(image.signed), pixel_keyword=pixels.keyword,
        pixel_vr=pixels.representation.decode() or "OW",
    )  # fmt: skip
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _too_short(file: DicomFile, needed: int) -> errors.ImageError:
    assert file.pixels
    pixels = file.pixels
    if pixels.is_cut_off:
        return errors.DamagedImage(
            f"The DICOM file is damaged or cut off: {pixels.size:,} of {needed:,} bytes of its pixels are there. "
            "Copy it again."
        )
    return invalid(
        pixels.keyword,
        f"has {pixels.size:,} bytes, where its size, bits and number of frames need {needed:,}",
    )


def _rle(stream: bytes, image: ImagePixel) -> NDArray[Any]:
    """PS3.5 annex G: a segment for each byte of each sample, the most significant first."""
    if image.allocated == 1:
        raise errors.UnsupportedImage("RLE with BitsAllocated (0028,0100) of 1 cannot be read here.")
    width = image.allocated // 8
    count = image.samples * width
    if len(stream) < 64:
        raise _damaged_stream("RLE", "its header is cut off")
    segments, *offsets = unpack("<16I", stream[:64])
    if segments != count:
        raise _contradiction(
            "RLE", [f"{segments} segments, where SamplesPerPixel and BitsAllocated need {count}"]
        )
    planes = np.zeros((count, image.rows, image.columns), np.uint8)
    for number, (start, end) in enumerate(zip(offsets, [*offsets[1:count], len(stream)], strict=False)):
        if number == count:
            break
        if not 64 <= start < end <= len(stream):
            raise _damaged_stream("RLE", f"segment {number + 1} is outside it")
        planes[number] = _unpack_bits(stream[start:end], image)
    big = np.ascontiguousarray(
        planes.reshape(image.samples, width, image.rows, image.columns).transpose(2, 3, 0, 1)
    )
    values = big.view(f">{'i' if image.signed else 'u'}{width}")[..., 0]
    values = values.astype(values.dtype.newbyteorder("="))
    return values if image.samples > 1 else values[..., 0]


def _unpack_bits(segment: bytes, image: ImagePixel) -> NDArray[np.uint8]:
    """The coding of RLE is PackBits. Pillow's decoder is bounded, where a few bytes can claim gigabytes."""
    size = image.rows * image.columns
    try:
        plane = Image.frombytes("L", (size, 1), segment, "packbits", "L")
    except ValueError:
        raise _damaged_stream("RLE", "a segment ends before its plane is full") from None
    return np.asarray(plane).reshape(image.rows, image.columns)


def _decompress(stream: bytes, image: ImagePixel, syntax: UID) -> StoredValues:
    family = FAMILIES[syntax]
    try:
        claims = codestream.read(stream)
    except codestream.UnsupportedCodestream as error:
        raise errors.UnsupportedImage(
            f"This file's {family.value} stream cannot be read here: {error}. Send it uncompressed."
        ) from None
    except codestream.CodestreamError as error:
        raise _damaged_stream(family.value, str(error)) from None
    _compare(claims, image, family)
    if claims.family is not Family.JPEG_2000 and not codestream.has_end(stream):
        raise _damaged_stream(family.value, "it has no end marker")
    if claims.family is Family.JPEG and claims.process < 3 and claims.precision == 8:
        return _baseline(stream, claims, image)
    return _decode_outside(stream, claims, image, syntax)


def _compare(claims: Codestream, image: ImagePixel, family: Family) -> None:
    """Refuse what cannot be both as the stream says and as the header says.

    Fewer bits than allocated are no contradiction: the values of some ultrasound devices need only 8 of 16.
    """
    if claims.family is not family:
        raise _contradiction(claims.family.value, [f"the transfer syntax promises {family.value}"])
    found = []
    if (claims.rows, claims.columns) != (image.rows, image.columns):
        found.append(
            f"{claims.columns} x {claims.rows} pixels against Columns {image.columns} and Rows {image.rows}"
        )
    if claims.components != image.samples:
        found.append(f"{claims.components} components against SamplesPerPixel {image.samples}")
    if claims.precision > image.allocated:
        found.append(f"{claims.precision} bits against BitsAllocated {image.allocated}")
    if found:
        raise _contradiction(family.value, found)


def _contradiction(stream: str, found: list[str]) -> errors.InvalidImage:
    return errors.InvalidImage(f"This file's {stream} stream contradicts its header: {'; '.join(found)}.")


def _damaged_stream(stream: str, problem: str) -> errors.DamagedImage:
    return errors.DamagedImage(f"This file's {stream} stream is damaged: {problem}. Export or copy it again.")


def _baseline(stream: bytes, claims: Codestream, image: ImagePixel) -> StoredValues:
    """8-bit JPEG, by Pillow, as for files that are nothing but JPEG."""
    stream = codestream.with_colour_transform(stream, _is_ybr(claims, image))
    try:
        picture = Image.open(BytesIO(stream), formats=["JPEG"])
        values: Pixels = np.asarray(picture)
    except Exception:  # whatever Pillow raises for a damaged stream
        raise _damaged_stream("JPEG", "its pixels cannot be decoded") from None
    if values.shape != (
        (image.rows, image.columns, 3) if image.samples == 3 else (image.rows, image.columns)
    ):
        raise _damaged_stream("JPEG", "it is of another shape than it says")
    return _as_allocated(values, claims, image)


def _is_ybr(claims: Codestream, image: ImagePixel) -> bool:
    """Whether the components are YCbCr. Where stream and header disagree, the stream was written by who knew.

    There is no subsampled RGB.
    """
    if claims.components != 3:
        return False
    return claims.transform is True or claims.subsampled or image.photometric.startswith("YBR")


def _decode_outside(stream: bytes, claims: Codestream, image: ImagePixel, syntax: UID) -> StoredValues:
    """JPEG lossless, 12-bit JPEG, JPEG-LS and JPEG 2000, by dicomsdl."""
    if claims.subsampled and not claims.process == 1:
        raise errors.UnsupportedImage(
            f"This file's {claims.family.value} stream has subsampled colours, which cannot be read here. Send "
            "it uncompressed."
        )
    if claims.precision > (8 if claims.family is Family.JPEG_2000 and claims.components > 1 else 16):
        raise errors.UnsupportedImage(
            f"This file's {claims.family.value} stream has {claims.components} component(s) of {claims.precision} "
            "bits, which cannot be read here. Send it uncompressed."
        )
    try:
        values = decoder.decode(stream, claims)
    except decoder.DecodingFailed as error:
        raise errors.DamagedImage(
            f"This file's {claims.family.value} stream ({syntax.name}) cannot be decoded: {error}. Export it again "
            "or send it uncompressed."
        ) from None
    frame = _as_allocated(values, claims, image)
    if claims.family is Family.JPEG_2000 and claims.transform:
        return frame  # the transform was undone, so this is RGB whatever the header calls it
    is_ybr = image.photometric in ("YBR_FULL", "YBR_FULL_422")
    return _from_colour_space(frame.values, "YBR_FULL" if is_ybr else "RGB", frame.bits)


def _as_allocated(values: NDArray[Any], claims: Codestream, image: ImagePixel) -> StoredValues:
    """Values in the type that the header says, and with its sign.

    The sign of a stream says how its encoder took the bits. What they mean is said by the header.
    """
    bits = min(claims.precision, image.stored)
    width = image.allocated // 8
    if claims.signed == image.signed:
        values = values.astype(f"{'i' if image.signed else 'u'}{width}", copy=False)
    elif image.signed:
        surplus = 8 * width - bits
        values = (values.astype(f"u{width}") << surplus).view(f"i{width}") >> surplus
    else:
        values = values.astype(f"i{width}").view(f"u{width}") & (2**claims.precision - 1)
    if not claims.lossless and claims.precision > image.stored:
        # Compression with loss overshoots; what is cut to the stored bits must not come out black.
        low = -(2 ** (bits - 1)) if image.signed else 0
        values = values.clip(low, low + 2**bits - 1)
    return StoredValues(values, bits)


def _from_colour_space(values: NDArray[Any], photometric: str, bits: int) -> StoredValues:
    """Convert YBR_FULL to RGB of 8 bits."""
    if values.ndim == 2 or photometric not in ("YBR_FULL", "YBR_FULL_422"):
        return StoredValues(values, bits)
    rows, columns, _ = values.shape
    content = np.ascontiguousarray(high_byte(values, bits)).tobytes()
    picture = Image.frombuffer("YCbCr", (columns, rows), content, "raw", "YCbCr", 0, 1)
    return StoredValues(np.asarray(picture.convert("RGB")), 8)


def high_byte(colours: NDArray[Any], bits: int) -> Pixels:
    """The upper eight of `bits` bits, without a float copy of what may be a hundred megapixels."""
    if bits > 8:
        return (colours >> (bits - 8)).clip(0, 255).astype(np.uint8)
    return colours.astype(np.uint8, copy=False)
