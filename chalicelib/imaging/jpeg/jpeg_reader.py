"""Decodes JPEG files."""

from io import BytesIO

from PIL import Image, ImageChops

from chalicelib.imaging import conversion
from chalicelib.imaging.decoded import DecodedImage, Source, check_size
from chalicelib.imaging.jpeg.segments import Jpeg, damaged, read
from chalicelib.tasks import InputSpec

_END = b"\xff\xd9"
_FILLS = (b"\xff\x00" * 8, bytes(8))
"""As many bits of 1 and of 0 as libjpeg reads ahead. A code of only 1s is in no table (T.81, C)."""


def decode(data: bytes, spec: InputSpec) -> DecodedImage:
    """Decode a JPEG file; if it holds several pictures, the first.

    Raises:
        ImageError: if its segments are incomplete or unsupported, or the image is too large or small.
        Exception: of any kind, for damaged image data.
    """
    jpeg = read(data)
    columns, rows = jpeg.frame.columns, jpeg.frame.rows
    check_size(columns, rows)
    image = _image(jpeg, spec)
    if jpeg.exif:
        image.info["exif"] = jpeg.exif
    if jpeg.xmp:
        image.info["xmp"] = jpeg.xmp
    orientation = conversion.orientation(image)
    aspect = jpeg.aspect
    if conversion.swaps_sides(orientation):
        columns, rows, aspect = rows, columns, 1 / aspect
    source = Source("JPEG", rows, columns)
    image = conversion.finished(conversion.upright(image, orientation), spec)
    return DecodedImage(image, source, pixel_aspect=aspect)


def _image(jpeg: Jpeg, spec: InputSpec) -> Image.Image:
    """The image.

    libjpeg fills in data that is missing before the end marker. A file with one scan is therefore decoded
    without its end marker, and Pillow reports missing data. With several scans libjpeg needs the end marker,
    so the file is decoded twice, with different bits after the last scan.

    Raises:
        DamagedImage: if data of the last scan is missing.
        Exception: of any kind, for other damage.
    """
    if jpeg.scans == 1 and jpeg.has_end:
        return _loaded(b"".join([*jpeg.parts, _FILLS[0]]), spec)
    end = _END if jpeg.scans > 1 else b""
    one, other = (_loaded(b"".join([*jpeg.parts, fill, end]), spec) for fill in _FILLS)
    if ImageChops.difference(one, other).getbbox(alpha_only=False):
        raise damaged("the end of its image is missing")
    return one


def _loaded(file: bytes, spec: InputSpec) -> Image.Image:
    image = Image.open(BytesIO(file), formats=("JPEG",))
    # Lets the decoder skip detail and colour that the resize would discard; it takes half the time.
    enough = 2 * max(spec.width, spec.height)
    image.draft("L" if spec.channels == 1 else "RGB", (enough, enough))
    image.load()
    return image
