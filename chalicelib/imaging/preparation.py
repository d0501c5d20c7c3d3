"""From the bytes of a JPEG, PNG, TIFF or DICOM file to the array a model takes.

Training, evaluation and serving all call `prepare`, so they see identical arrays. It returns only pixels and
the few facts in `Source`: no other DICOM attribute, EXIF field or text that could name a patient.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from chalicelib import errors
from chalicelib.imaging import raster
from chalicelib.imaging.decoded import DecodedImage, Pixels, Source
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.tasks import InputSpec


@dataclass(frozen=True)
class PreparedImage:
    """A model's input, and the file it came from."""

    pixels: Pixels
    """Shape (channels, height, width)."""
    source: Source
    box: tuple[int, int, int, int]
    """Left, top, width and height of the image's content within the frame; the rest is padding."""


def prepare(data: bytes, spec: InputSpec) -> PreparedImage:
    """Decode, check, de-identify and resize one image.

    Raises:
        ImageError: a subclass, with a message that says what is wrong and what to do.
    """
    image, _ = prepare_and_decode(data, spec)
    return image


def prepare_and_decode(data: bytes, spec: InputSpec) -> tuple[PreparedImage, DecodedImage]:
    """As `prepare`, with the decoded image that was resized.

    Raises:
        ImageError: as from `prepare`.
    """
    if not data:
        raise errors.EmptyImage("The file is empty (0 bytes). Send the image itself.")
    if len(data) > MAX_FILE_BYTES:
        raise errors.ImageTooLarge(
            f"The file has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are accepted."
        )
    kind = sniff(data)
    try:
        decoded = _decode(data, kind, spec)
        return _fit(decoded, spec), decoded
    except (errors.NegatoscopeError, ImportError):
        raise
    except MemoryError as error:
        raise errors.ImageTooLarge(
            f"The image in the {kind} file needs more memory than there is. Send a smaller version."
        ) from error
    except Exception as error:
        # Pillow and pydicom raise errors of any kind on malformed input. Known problems are reported earlier.
        raise errors.DamagedImage(
            f"The {kind} file is damaged or cut off: its image cannot be decoded. Export or copy it again."
        ) from error


def decode(data: bytes, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    """Decode an image that `prepare` accepts.

    Args:
        data: the file.
        spec: colours and detail that are needed.
        frame: number of a frame or page, from 1, as in `Source`; None for the one that `prepare` takes.

    Raises:
        Exception: of any kind.
    """
    return _decode(data, sniff(data), spec, frame)


def _decode(data: bytes, kind: str, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    if kind == "DICOM":
        # Importing pydicom takes 0.1 s, which other formats do not need.
        from chalicelib.imaging.dicom import dicom_reader

        return dicom_reader.decode(data, spec, frame)
    return raster.decode(data, kind, spec, frame)


def _fit(decoded: DecodedImage, spec: InputSpec) -> PreparedImage:
    """Resize, then convert to grey levels, then pad, so that the padding is black with any window."""
    width, height = _fitted_size(decoded.image.size, decoded.pixel_aspect, spec)
    small = np.asarray(decoded.image.resize((width, height), Image.Resampling.BILINEAR))
    content = decoded.to_display(small) if decoded.to_display else small
    if content.ndim == 2:
        content = np.broadcast_to(content[..., np.newaxis], (height, width, spec.channels))
    left, top = (spec.width - width) // 2, (spec.height - height) // 2
    frame = np.zeros(spec.shape, np.uint8)
    frame[:, top : top + height, left : left + width] = content.transpose(2, 0, 1)
    return PreparedImage(frame, decoded.source, (left, top, width, height))


def sniff(data: bytes) -> str:
    """The format of `data`, detected from its first bytes: JPEG, PNG, TIFF or DICOM.

    Raises:
        NotAnImage: for any other format; it is named if it is recognised.
    """
    if data[128:132] == b"DICM" or _is_dicom_without_preamble(data):
        return "DICOM"
    for magic, name in _SUPPORTED.items():
        if data.startswith(magic):
            return name
    text = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    for offset, magic, name in _RECOGNISED:
        if data.startswith(magic, offset) or (offset == 0 and text.startswith(magic)):
            raise errors.NotAnImage(f"This is {name}. Send a JPEG, PNG, TIFF or DICOM file.")
    raise errors.NotAnImage("This is not an image in a known format. Send a JPEG, PNG, TIFF or DICOM file.")


_SUPPORTED = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
}

_RECOGNISED = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a Windows bitmap"),
    (8, b"WEBP", "a WebP image"),
    (4, b"ftyp", "an HEIC image or a video"),
    (4, b"moov", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x00\x00\x00\x0cjP  ", "a bare JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a bare JPEG 2000 file"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (344, b"n+1\x00", "a NIfTI volume"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document (unpack it first)"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (0, b"BZh", "a bzip2 archive (unpack it first)"),
    (0, b"\xfd7zXZ\x00", "an XZ archive (unpack it first)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (unpack it first)"),
    (0, b"Rar!\x1a\x07", "a RAR archive (unpack it first)"),
    (257, b"ustar", "a tar archive (unpack it first)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (0, b"{\\rtf", "a text document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"<", "HTML, XML or SVG text"),
    (0, b"{", "JSON text"),
    (0, b"--", "a multipart form; send the file's bytes as the whole body"),
)


_LATER_GROUPS = {b"\x10\x00", b"\x18\x00", b"\x20\x00", b"\x28\x00"}
"""Groups with which a file may begin if group 0008 was removed together with the patient's name."""


def _is_dicom_without_preamble(data: bytes) -> bool:
    """Old files start directly with group 0008 (or 0002), in explicit or implicit VR."""
    if len(data) < 132:
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    if data[:2] == b"\x00\x08":  # big-endian, which is always explicit
        return explicit
    if explicit and data[:2] in _LATER_GROUPS:
        return True
    implicit = int.from_bytes(data[4:8], "little") <= 1024 and data[3] <= 0x20
    return data[:2] in (b"\x08\x00", b"\x02\x00") and (explicit or implicit)


def _fitted_size(size: tuple[int, int], pixel_aspect: float, spec: InputSpec) -> tuple[int, int]:
    """Width and height in the frame, with the physical proportions of the image."""
    if spec.fit == "stretch":
        return spec.width, spec.height
    columns, rows = size[0], size[1] * pixel_aspect
    scale = min(spec.width / columns, spec.height / rows)
    return (
        min(spec.width, max(1, round(columns * scale))),
        min(spec.height, max(1, round(rows * scale))),
    )
