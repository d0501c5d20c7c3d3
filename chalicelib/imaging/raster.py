"""Decodes JPEG, PNG and TIFF files."""

from chalicelib.imaging import jpeg, png, tiff
from chalicelib.imaging.decoded import DecodedImage
from chalicelib.tasks import InputSpec

_DECODERS = {"JPEG": jpeg.decode, "PNG": png.decode, "TIFF": tiff.decode}


def decode(data: bytes, kind: str, spec: InputSpec) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known.

    Raises:
        ImageError: if the headers show that it cannot be read.
        Exception: of any kind, for a damaged file.
    """
    return _DECODERS[kind](data, spec)
