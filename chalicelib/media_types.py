"""The media types of what is classified."""

FILE_TYPES = ("image/jpeg", "image/png", "image/tiff", "application/dicom")
"""Of the image formats that are read."""

UNSPECIFIC_TYPES = ("image/jpg", "application/octet-stream")
"""Accepted as well: a common misnomer of image/jpeg, and the type of files of unknown format."""

ARRAY_TYPE = "application/x-npy"
"""Prepared arrays in NumPy's file format."""
