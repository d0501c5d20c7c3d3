"""From the bytes of a JPEG, PNG, TIFF or DICOM file to the array a model takes."""

from chalicelib.imaging.preparation import PreparedImage, prepare, prepare_and_decode

__all__ = ["PreparedImage", "prepare", "prepare_and_decode"]
