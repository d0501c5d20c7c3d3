"""Decodes JPEG, PNG and TIFF files."""

from chalicelib.imaging.decoded import DecodedImage
from chalicelib.imaging.jpeg import jpeg_reader
from chalicelib.imaging.png import png_reader
from chalicelib.imaging.tiff import tiff_reader
from chalicelib.tasks import InputSpec

_DECODERS = {"JPEG": jpeg_reader.decode, "PNG": png_reader.decode}


def decode(data: bytes, kind: str, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known; of a TIFF file, the page `frame`.

    Raises:
        ImageError: if the headers show that the file cannot be read.
        Exception: of any kind, for a damaged file.
    """
    return tiff_reader.decode(data, spec, frame) if kind == "TIFF" else _DECODERS[kind](data, spec)
