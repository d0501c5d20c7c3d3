"""Image files to measure with: drawn, so that they may be shown and are the same everywhere."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from local.example_images import mammogram
from tests import images

Film = np.ndarray[tuple[int, ...], np.dtype[np.uint16]]


def write_mammograms(folder: Path) -> list[Path]:
    """A drawn mammogram as JPEG and PNG, in two sizes."""
    drawn = mammogram()
    files = []
    for factor in (1, 2):
        image = drawn.resize((drawn.width * factor, drawn.height * factor), Image.Resampling.BICUBIC)
        for suffix, kind in ((".jpg", "JPEG"), (".png", "PNG")):
            files.append(folder / f"{image.width}{suffix}")
            image.save(files[-1], kind)
    return files


def different_mammograms() -> Iterator[bytes]:
    """The drawn mammogram as JPEG, again and again, each time with another pixel changed."""
    drawn = np.asarray(mammogram())
    for number in range(drawn.size):
        changed = drawn.copy()
        changed.flat[number] ^= 0x40
        file = BytesIO()
        Image.fromarray(changed).save(file, "JPEG", quality=90)
        yield file.getvalue()


def film(side: int) -> Film:
    """Twelve bits, smooth with some grain, as an X-ray is: shape (side, side)."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) * np.float32(4000 / side)
    smooth = 2000 + 900 * np.sin(rows / 700) + 900 * np.cos(columns / 500)
    grain = np.random.default_rng(0).normal(0, 40, (side, side)).astype(np.float32)
    return np.asarray((smooth + grain).clip(0, 4095), np.uint16)


def film_as(kind: str, pixels: Film) -> bytes:
    """The film as a file of a kind in `KINDS`."""
    grey = Image.fromarray((pixels >> 4).astype(np.uint8))
    match kind:
        case "JPEG":
            return images.encode(grey, "JPEG", quality=90)
        case "PNG":
            return images.encode(grey, "PNG", compress_level=1)
        case "TIFF":
            return images.encode(grey, "TIFF")
        case "PNG, 16 bits":
            return images.encode(Image.fromarray(pixels), "PNG", compress_level=1)
        case "DICOM":
            return images.dicom(pixels, WindowCenter=2048, WindowWidth=4096)
    return _dicom_jpeg_2000(pixels)


KINDS = ("JPEG", "PNG", "TIFF", "PNG, 16 bits", "DICOM", "DICOM, JPEG 2000")


def _dicom_jpeg_2000(pixels: Film) -> bytes:
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    dataset = images.dicom_dataset(pixels, WindowCenter=2048, WindowWidth=4096)
    stream = images.encode(Image.fromarray(pixels), "JPEG2000", no_jp2=True)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    return images.dicom_file(dataset)
