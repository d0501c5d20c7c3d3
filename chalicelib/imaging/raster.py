"""Decodes JPEG, PNG and TIFF files. After a cold start, a file waits for the code of its own format only."""

from chalicelib.imaging.decoded import DecodedImage
from chalicelib.tasks import InputSpec


def decode(data: bytes, kind: str, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known; of a TIFF file, the page `frame`.

    Raises:
        ImageError: if the headers show that the file cannot be read.
        Exception: of any kind, for a damaged file.
    """
    if kind == "TIFF":
        from chalicelib.imaging.tiff import tiff_reader

        return tiff_reader.decode(data, spec, frame)
    if kind == "PNG":
        from chalicelib.imaging.png import png_reader

        return png_reader.decode(data, spec)
    if kind == "JPEG":
        from chalicelib.imaging.jpeg import jpeg_reader

        return jpeg_reader.decode(data, spec)
    raise ValueError(f"{kind} is none of these formats")
