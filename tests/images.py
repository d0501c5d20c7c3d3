"""Image files of every kind, generated."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

PATIENT = "Doe^Jane^Unmistakable"


def gradient(height: int = 96, width: int = 64, low: int = 0, high: int = 255) -> NDArray[np.int64]:
    """Grey values rising from the top left corner to the bottom right one."""
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = (rows + columns) / max(1, height + width - 2)
    return np.asarray(np.rint(low + ramp * (high - low)), np.int64)


def colours(height: int = 96, width: int = 64) -> NDArray[np.uint8]:
    """An RGB picture whose three channels differ everywhere."""
    grey = gradient(height, width)
    return np.stack([grey, 255 - grey, grey // 2], axis=-1).astype(np.uint8)


def quadrants(levels: Sequence[float], dtype: str, side: int = 32) -> NDArray[Any]:
    """Four squares of uniform values: top left, top right, bottom left, bottom right."""
    return np.kron(np.array(levels, dtype).reshape(2, 2), np.ones((side // 2, side // 2), dtype))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """`image` as a file of the Pillow format `kind`."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey_file(kind: str = "PNG", height: int = 96, width: int = 64, **options: Any) -> bytes:
    """An 8-bit grey gradient as a file."""
    return encode(Image.fromarray(gradient(height, width).astype(np.uint8)), kind, **options)


def black_file(height: int = 96, width: int = 64) -> bytes:
    """A black PNG."""
    return encode(Image.new("L", (width, height)), "PNG")


def dicom_dataset(
    pixels: NDArray[Any], photometric: str = "MONOCHROME2", bits: int = 12, **elements: Any
) -> Dataset:
    """A DICOM object with `pixels`, a patient, and the given `elements`."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PatientName = PATIENT
    dataset.PatientID = "ID-UNMISTAKABLE-77"
    dataset.PatientBirthDate = "19551224"
    dataset.InstitutionName = "Unmistakable Hospital"
    dataset.Modality = "MG"
    dataset.set_pixel_data(pixels, photometric, bits)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def dicom_file(dataset: Dataset) -> bytes:
    """`dataset` as a file."""
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def dicom(pixels: NDArray[Any], photometric: str = "MONOCHROME2", bits: int = 12, **elements: Any) -> bytes:
    """A DICOM file; see `dicom_dataset`."""
    return dicom_file(dicom_dataset(pixels, photometric, bits, **elements))


def film(frames: int = 3) -> bytes:
    """A DICOM file of several frames, whose darkest values are 0, 50, 100 and so on."""
    return dicom(np.stack([gradient(low=50 * frame, high=4000) for frame in range(frames)]).astype("u2"))


def structured_report() -> bytes:
    """A DICOM file without pixels."""
    dataset = dicom_dataset(np.zeros((16, 16), np.uint16))
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.11")
    dataset.Modality = "SR"
    return dicom_file(dataset)


def png_bomb(side: int = 30_000) -> bytes:
    """A small PNG whose header states `side` x `side` pixels."""
    small = bytearray(encode(Image.new("L", (16, 16)), "PNG"))
    header = bytearray(b"IHDR" + side.to_bytes(4, "big") * 2 + bytes(small[24:29]))
    import zlib

    small[12:29] = header
    small[29:33] = zlib.crc32(header).to_bytes(4, "big")
    return bytes(small)
