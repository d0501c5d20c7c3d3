"""Compresses DICOM files with GDCM, an independent implementation, and changes their headers."""

import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import gdcm
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

from tests import images

LOSSLESS = {
    "JPEG Lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "JPEG Lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
}
"""All except RLE."""


def compressed(data: bytes, syntax: int) -> bytes:
    """The file in another transfer syntax."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = f"{folder}/before.dcm", f"{folder}/after.dcm"
        Path(before).write_bytes(data)
        reader = gdcm.ImageReader()
        reader.SetFileName(before)
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(after)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return Path(after).read_bytes()


def relabelled(data: bytes, **elements: Any) -> bytes:
    """The file with changed elements and the same pixels; None removes an element."""
    dataset = pydicom.dcmread(BytesIO(data))
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return images.dicom_file(dataset)


def streams(data: bytes) -> list[bytes]:
    """The compressed frames of a file."""
    dataset = pydicom.dcmread(BytesIO(data))
    return list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1)))


def with_streams(dataset: Dataset, syntax: str, frames: list[bytes], **elements: Any) -> bytes:
    """A file of a data set and compressed frames."""
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return images.dicom_file(dataset)
