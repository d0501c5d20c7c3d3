"""Decodes JPEG, PNG and TIFF files."""

from chalicelib.imaging.decoded import DecodedImage
from chalicelib.imaging.jpeg import jpeg_reader
from chalicelib.imaging.png import png_reader
from chalicelib.imaging.tiff import tiff_reader
from chalicelib.tasks import InputSpec

_DECODERS = {"JPEG": jpeg_reader.decode, "PNG": png_reader.decode, "TIFF": tiff_reader.decode}


def decode(data: bytes, kind: str, spec: InputSpec) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known.

    Raises:
        ImageError: if the headers show that the file cannot be read.
        Exception: of any kind, for a damaged file.
    """
    return _DECODERS[kind](data, spec)
