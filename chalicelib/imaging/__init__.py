"""From the bytes of a JPEG, PNG, TIFF or DICOM file to the array a model takes."""

from chalicelib.imaging.preparation import MAX_BYTES, PreparedImage, prepare

__all__ = ["MAX_BYTES", "PreparedImage", "prepare"]
