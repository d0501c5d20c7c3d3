"""Decodes the image of a DICOM file: the right frame, the right grey levels, and no identity.

Section numbers refer to PS3.3 of the DICOM standard (https://dicom.nema.org/medical/dicom/current/).
"""

import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from chalicelib import errors
from chalicelib.imaging.decoded import DecodedImage, Source, check_size, is_fine
from chalicelib.imaging.dicom import elements
from chalicelib.imaging.dicom.attributes import ImagePixel, image_pixel, pixel_aspect, pixel_spacing, text
from chalicelib.imaging.dicom.compressed_frames import FAMILIES
from chalicelib.imaging.dicom.defined_terms import LATERALITIES, MODALITIES, VIEW_POSITIONS
from chalicelib.imaging.dicom.elements import DicomFile
from chalicelib.imaging.dicom.frame_values import StoredValues, bits_below, high_byte
from chalicelib.imaging.dicom.grey_levels import GreyLevels, read_grey_levels
from chalicelib.imaging.dicom.lookup_tables import apply_palette
from chalicelib.imaging.dicom.stored_values import read_frame
from chalicelib.imaging.dicom.tissue import fill_padding, find_padding, value_bits, without_hot_pixels
from chalicelib.tasks import InputSpec

# pydicom logs unusual values, which may name a patient.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_UNCOMPRESSED = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}


def decode(data: bytes, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    """Decode the image, or one of several frames: that with the number `frame`, from 1, or the middle one.

    Raises:
        ImageError: naming the element or transfer syntax that is the cause.
        Exception: of any kind, for other damage.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode_file(elements.read(data, frame), spec)


def _decode_file(file: DicomFile, spec: InputSpec) -> DecodedImage:
    if file.pixels is None:
        raise _no_pixels(file)
    dataset = _with_functional_groups(file.dataset)
    syntax = _transfer_syntax(file)
    image = image_pixel(dataset, file.pixels.keyword)
    check_size(image.columns, image.rows)
    source = _source(file, image, syntax, pixel_spacing(dataset))
    aspect = pixel_aspect(dataset)
    frame = read_frame(file, image, syntax)
    if image.photometric == "PALETTE COLOR":
        if file.has_segmented_palette:
            raise errors.UnsupportedImage(
                "This DICOM file has a segmented palette (0028,1221), which cannot be read here. Export it "
                "as RGB."
            )
        values = value_bits(frame, image)
        colours = apply_palette(values, dataset, inputs=image.range, little=file.is_little_endian)
        return DecodedImage(_picture(colours, spec), source, pixel_aspect=aspect)
    if frame.values.ndim == 3:
        below = bits_below(frame.values, frame.bits, image.high_bit)
        colours = high_byte(frame.values, frame.bits, below)
        del frame  # twice as large as the colours, and there may be 100 megapixels
        return DecodedImage(_picture(colours, spec), source, pixel_aspect=aspect)
    levels = read_grey_levels(dataset, image, little=file.is_little_endian)
    return _grey(frame, image, dataset, levels, source, aspect)


def _no_pixels(file: DicomFile) -> errors.NoPixels:
    if file.is_directory:
        return errors.NoPixels(
            "This is a DICOMDIR: the list of files on a medium, which holds no image itself. Send the files "
            "that it lists."
        )
    kind = UID(text(file.dataset, "SOPClassUID"))
    return errors.NoPixels(
        f"This DICOM object holds no image{'' if kind.name == kind else f' (it is a {kind.name})'}. Send the "
        "image it belongs to."
    )


def _with_functional_groups(dataset: Dataset) -> Dataset:
    """The data set with the elements of the functional groups of its frame (C.7.6.16)."""
    flat = Dataset()
    flat.update({element.tag: element for element in _raw(dataset)})
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in dataset.get(keyword) or ():
            for macro in group:
                for item in macro.value or ():
                    flat.update({element.tag: element for element in _raw(item)})
    return flat


def _raw(dataset: Dataset) -> list[Any]:
    """The unconverted elements, as lookup tables are read from bytes. Iterating would convert them."""
    return [dataset.get_item(tag) for tag in list(dataset.keys())]


def _transfer_syntax(file: DicomFile) -> UID:
    """The transfer syntax; if it is not stated, the one that the elements are encoded in.

    Raises:
        UnsupportedImage: if it is not supported.
    """
    assert file.pixels
    if file.syntax is None:
        if file.pixels.is_encapsulated:
            raise errors.InvalidImage(
                "This DICOM file is compressed and has no TransferSyntaxUID (0002,0010) that says how. "
                "Export it again."
            )
        return (
            ExplicitVRBigEndian
            if not file.is_little_endian
            else (ExplicitVRLittleEndian if file.pixels.representation else ImplicitVRLittleEndian)
        )
    if file.syntax not in _UNCOMPRESSED and file.syntax != RLELossless and file.syntax not in FAMILIES:
        raise elements.unsupported_syntax(file.syntax)
    return file.syntax


def _source(file: DicomFile, image: ImagePixel, syntax: UID, spacing: list[float] | None) -> Source:
    dataset, several = file.dataset, file.frames > 1
    return Source(
        "DICOM",
        rows=image.rows,
        columns=image.columns,
        modality=_term(dataset, "Modality", MODALITIES),
        laterality=_term(dataset, "ImageLaterality", LATERALITIES)
        or _term(dataset, "Laterality", LATERALITIES),
        view_position=_term(dataset, "ViewPosition", VIEW_POSITIONS),
        frame=file.frame + 1 if several else None,
        frames=file.frames if several else None,
        transfer_syntax=syntax.name,
        pixel_spacing=spacing,
    )


def _term(dataset: Dataset, keyword: str, defined: frozenset[str]) -> str | None:
    """A code string if it is a defined term, otherwise None."""
    value = text(dataset, keyword)
    return value if value in defined else None


def _picture(colours: NDArray[np.uint8], spec: InputSpec) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(colours))
    mode = "L" if spec.channels == 1 else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)  # convert copies even to the same mode


def _grey(
    frame: StoredValues,
    image: ImagePixel,
    dataset: Dataset,
    levels: GreyLevels,
    source: Source,
    aspect: float,
) -> DecodedImage:
    nothing = find_padding(frame, dataset)
    values = value_bits(frame, image)
    if levels.shows_whole_range:
        values = without_hot_pixels(values, nothing)
    if nothing is not None:
        values = fill_padding(values, nothing, levels)
    if levels.shows_whole_range:
        levels = levels.with_range_of(values)
    # Pillow resizes 16-bit images only if they are unsigned; the offset is subtracted afterwards.
    offset = 0.0
    if values.dtype == np.int16:
        offset = 2.0**15
        values = values.view(np.uint16) ^ np.uint16(2**15)
    elif values.dtype not in (np.uint8, np.uint16):
        values, offset = _single(values)
    picture = Image.fromarray(np.ascontiguousarray(values))
    return DecodedImage(picture, source, replace(levels, offset=offset), pixel_aspect=aspect)


def _single(values: NDArray[Any]) -> tuple[NDArray[np.float32], float]:
    """The values as 32-bit floats, and what was added to them so that these distinguish them."""
    low, high = values.min(), values.max()
    if not is_fine(float(low), float(high)):
        return values.astype(np.float32, copy=False), 0.0
    return np.subtract(values, low, out=np.empty(values.shape, np.float32)), -float(low)
