"""Decodes compressed frames: JPEG, JPEG-LS and JPEG 2000."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
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
)

from chalicelib import errors
from chalicelib.imaging import codestream
from chalicelib.imaging.codestream import Codestream, Family
from chalicelib.imaging.decoded import Pixels
from chalicelib.imaging.dicom import decoder
from chalicelib.imaging.dicom.attributes import ImagePixel
from chalicelib.imaging.dicom.frame_values import (
    StoredValues,
    contradiction,
    damaged_stream,
    from_colour_space,
)
from chalicelib.imaging.stream_end import completed, is_whole

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
"""The kind of stream of each transfer syntax."""


def decompress(stream: bytes, image: ImagePixel, syntax: UID) -> StoredValues:
    """Decode one frame after comparing its stream with the DICOM header.

    Raises:
        ImageError: if they differ, or the stream cannot be decoded.
        DecoderUnavailable: if the decoder cannot be started.
    """
    family = FAMILIES[syntax]
    try:
        claims = codestream.read(stream)
        _compare(claims, image, family)
        stream = completed(stream, claims)
    except codestream.UnsupportedCodestream as error:
        raise errors.UnsupportedImage(
            f"This file's {family.value} stream cannot be read here: {error}. Send it uncompressed."
        ) from None
    except codestream.CodestreamError as error:
        raise damaged_stream(family.value, str(error)) from None
    if claims.is_ordinary_jpeg:
        return _baseline(stream, claims, image)
    return _decode_in_child(stream, claims, image, syntax)


def _compare(claims: Codestream, image: ImagePixel, family: Family) -> None:
    """Refuse a stream that contradicts the DICOM header.

    Fewer bits than allocated are no contradiction: some ultrasound devices use only 8 of 16 bits.
    """
    if claims.family is not family:
        raise contradiction(claims.family.value, [f"the transfer syntax promises {family.value}"])
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
        raise contradiction(family.value, found)


def _baseline(stream: bytes, claims: Codestream, image: ImagePixel) -> StoredValues:
    """Decode 8-bit JPEG with Pillow, as for JPEG files."""
    stream = codestream.with_colour_transform(stream, _is_ybr(claims, image))
    try:
        values: Pixels = np.asarray(Image.open(BytesIO(stream), formats=["JPEG"]))
        whole = is_whole(stream, values)
    except Exception:  # Pillow raises errors of many kinds for damaged streams
        raise damaged_stream("JPEG", "its pixels cannot be decoded") from None
    if not whole:
        raise damaged_stream("JPEG", "it ends before its image does")
    if values.shape != (
        (image.rows, image.columns, 3) if image.samples == 3 else (image.rows, image.columns)
    ):
        raise damaged_stream("JPEG", "its image has another shape than its header states")
    return _as_allocated(values, claims, image)


def _is_ybr(claims: Codestream, image: ImagePixel) -> bool:
    """Whether the components are YCbCr. The stream takes precedence over the DICOM header.

    Subsampled components are YCbCr, because RGB is never subsampled.
    """
    if claims.components != 3:
        return False
    return claims.transform is True or claims.subsampled or image.photometric.startswith("YBR")


def _decode_in_child(stream: bytes, claims: Codestream, image: ImagePixel, syntax: UID) -> StoredValues:
    """Decode JPEG lossless, 12-bit JPEG, JPEG-LS and JPEG 2000 with dicomsdl."""
    if claims.subsampled and not claims.process == 1:
        raise errors.UnsupportedImage(
            f"This file's {claims.family.value} stream has subsampled colours, which cannot be read here. "
            "Send it uncompressed."
        )
    if claims.precision > (8 if claims.family is Family.JPEG_2000 and claims.components > 1 else 16):
        raise errors.UnsupportedImage(
            f"This file's {claims.family.value} stream has {claims.components} component(s) of "
            f"{claims.precision} bits, which cannot be read here. Send it uncompressed."
        )
    try:
        values = decoder.decode(stream, claims)
    except decoder.DecoderMissing:
        raise errors.UnsupportedImage(
            f"This file's {claims.family.value} stream ({syntax.name}) cannot be read here: its decoder "
            "needs Python 3.12 or 3.13. Send it uncompressed (Explicit VR Little Endian)."
        ) from None
    except decoder.DecodingTooLarge as error:
        raise errors.ImageTooLarge(
            f"This file's {claims.family.value} stream of {claims.columns} x {claims.rows} pixels cannot be "
            f"decoded: {error}. Send it uncompressed or smaller."
        ) from None
    except decoder.DecodingFailed as error:
        raise errors.DamagedImage(
            f"This file's {claims.family.value} stream ({syntax.name}) cannot be decoded: {error}. Export it "
            "again or send it uncompressed."
        ) from None
    frame = _as_allocated(values, claims, image)
    if claims.family is Family.JPEG_2000 and claims.transform:
        return frame  # the transform was undone, so this is RGB, regardless of the header
    is_ybr = image.photometric in ("YBR_FULL", "YBR_FULL_422")
    return from_colour_space(frame.values, "YBR_FULL" if is_ybr else "RGB", frame.bits, image.high_bit)


def _as_allocated(values: NDArray[Any], claims: Codestream, image: ImagePixel) -> StoredValues:
    """The values in the type of the DICOM header, with its sign.

    The sign in a stream tells only how its encoder interpreted the bits; their meaning is that of the header.
    Streams hold nothing but values, so a stream that uses more bits than BitsStored is correct.
    """
    width = image.allocated // 8
    bits = min(claims.precision, image.stored)
    if claims.precision > bits:
        largest = max(int(values.max()), -int(values.min()))
        if largest >> (bits - claims.signed):
            bits = claims.precision
    if claims.signed == image.signed:
        values = values.astype(f"{'i' if image.signed else 'u'}{width}", copy=False)
    elif image.signed:
        surplus = 8 * width - bits
        values = (values.astype(f"u{width}") << surplus).view(f"i{width}") >> surplus
    else:
        values = values.astype(f"i{width}").view(f"u{width}") & (2**claims.precision - 1)
    return StoredValues(values, bits)
