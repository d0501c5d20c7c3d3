"""Decodes JPEG files."""

from io import BytesIO

from PIL import Image, ImageChops

from chalicelib.imaging import conversion
from chalicelib.imaging.decoded import DecodedImage, Source, check_size
from chalicelib.imaging.jpeg.segments import Jpeg, damaged, read
from chalicelib.tasks import InputSpec

_END = b"\xff\xd9"
_FILLS = (b"\xff\x00" * 8, bytes(8))
"""As many bits of 1 and of 0 as libjpeg reads ahead. Those of 1 are no code of any table (T.81, C)."""


def decode(data: bytes, spec: InputSpec) -> DecodedImage:
    """Decode a JPEG file; of several pictures in it, the first.

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
    """The image, if the last scan has all of its data.

    Where libjpeg runs out of data before the end marker, it makes up the rest. So a single scan gets no end
    marker, without which Pillow finds that data is missing, and several scans, of which libjpeg awaits the
    end marker, are decoded twice, with other bits behind the last one.

    Raises:
        DamagedImage: if it has not.
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
    # Lets the decoder skip detail (and colour) that the resize would throw away: half the time.
    enough = 2 * max(spec.width, spec.height)
    image.draft("L" if spec.channels == 1 else "RGB", (enough, enough))
    image.load()
    return image
