"""Decodes the image of a DICOM file: the right frame, the right grey levels, and no identity.

Section numbers refer to the DICOM standard (PS3.3, https://dicom.nema.org/medical/dicom/current/).
"""

import logging
import re
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi, convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from chalicelib import errors
from chalicelib.imaging.codestream import frame_shape
from chalicelib.imaging.decoded import DecodedImage, Pixels, Source, check_size, only_finite, stretch
from chalicelib.tasks import InputSpec

try:
    import dicomsdl
except ImportError:  # there is no wheel for this Python or machine: what it decodes is refused by name
    dicomsdl = None

# Both libraries report odd values together with their content, which may name a patient.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
if dicomsdl:
    dicomsdl.set_loglevel(dicomsdl.LogLevel.DISABLE)

# The plugin is named so that others that happen to be installed do not change the result.
_PYDICOM_DECODES = {
    ImplicitVRLittleEndian: "",
    ExplicitVRLittleEndian: "",
    ExplicitVRBigEndian: "",
    RLELossless: "pydicom",
    JPEGBaseline8Bit: "pillow",
}

# dicomsdl (MIT) reads these in 1.4 MB; pydicom's own plugins for them are GPL or ten times the size.
_DICOMSDL_DECODES = {
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
}

# Nothing but these elements is parsed, so a patient's name cannot be passed on by mistake.
_ELEMENTS = [
    "SOPClassUID", "Modality", "Laterality", "ImageLaterality", "ViewPosition",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "PixelData", "FloatPixelData", "DoubleFloatPixelData",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip


_PREAMBLE = 132
"""Bytes before the first element: 128 of anything and "DICM" (PS3.10 section 7.1)."""
_FILE_META = 0x0002


def decode(data: bytes, spec: InputSpec) -> DecodedImage:
    """Decode the image, or the middle one of several frames.

    Raises:
        ImageError: for what is readable but unsuitable; a transfer syntax that cannot be read is named.
        Exception: of any kind, for a damaged file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check_syntax(data)
        dataset = dcmread(BytesIO(data), force=True, specific_tags=list(_ELEMENTS))
        return _decode_dataset(dataset, data, spec)


def _check_syntax(data: bytes) -> None:
    """Refuse what cannot be read before reading it: a deflated file would be inflated whole, at any size."""
    header = BytesIO(data)
    header.seek(_PREAMBLE if data[_PREAMBLE - 4 : _PREAMBLE] == b"DICM" else 0)
    meta = read_dataset(header, False, True, stop_when=lambda tag, *_: tag >> 16 != _FILE_META)
    syntax = UID(meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian)
    if syntax not in _PYDICOM_DECODES and (syntax not in _DICOMSDL_DECODES or dicomsdl is None):
        raise errors.UnsupportedImage(
            f"This DICOM file is compressed with the transfer syntax {syntax.name} ({syntax}), which "
            "cannot be read here. Send it uncompressed (Explicit VR Little Endian) or as lossless JPEG."
        )


def _decode_dataset(dataset: FileDataset, data: bytes, spec: InputSpec) -> DecodedImage:
    if not any(element in dataset for element in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = dataset.get("SOPClassUID")
        raise errors.NoPixels(
            f"This DICOM object holds no image{f' (it is a {kind.name})' if kind else ''}. Send the image it "
            "belongs to."
        )
    check_size(dataset.Columns, dataset.Rows)
    frames = int(dataset.get("NumberOfFrames") or 1)
    frame = frames // 2
    source = _source(dataset, frame, frames)
    values = _frame_values(dataset, data, frame)
    if values.ndim == 3:
        return DecodedImage(
            Image.fromarray(_high_byte(values, dataset.BitsStored)).convert(_mode(spec)), source
        )
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(values, dataset)
        bits = colours.dtype.itemsize * 8
        return DecodedImage(Image.fromarray(_high_byte(colours, bits)).convert(_mode(spec)), source)
    return _grey(values, _display_dataset(dataset, frame), source)


def _source(dataset: FileDataset, frame: int, frames: int) -> Source:
    return Source(
        "DICOM",
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        modality=_code(dataset.get("Modality")),
        laterality=_code(dataset.get("ImageLaterality") or dataset.get("Laterality")),
        view_position=_code(dataset.get("ViewPosition")),
        frame=frame + 1 if frames > 1 else None,
        frames=frames if frames > 1 else None,
        transfer_syntax=_transfer_syntax(dataset).name,
    )


def _code(value: object) -> str | None:
    """A code string of the few kinds we pass on; anything longer could be free text somebody typed."""
    text = str(value or "").strip()
    return text if re.fullmatch(r"[A-Z]{1,6}", text) else None


def _transfer_syntax(dataset: FileDataset) -> UID:
    # Without a file meta header the default transfer syntax applies (PS3.5 section 10).
    return UID(dataset.file_meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian)


def _frame_values(dataset: FileDataset, data: bytes, frame: int) -> NDArray[Any]:
    """Stored values of one frame: (rows, columns), or (rows, columns, 3) in RGB."""
    syntax = _transfer_syntax(dataset)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if syntax in (*_DICOMSDL_DECODES, JPEGBaseline8Bit):
        _check_codestream(get_frame(dataset.PixelData, frame, number_of_frames=frames), dataset)
    if syntax in _PYDICOM_DECODES:
        index = frame if frames > 1 else None
        return pixel_array(dataset, index=index, decoding_plugin=_PYDICOM_DECODES[syntax])
    values: NDArray[Any] = dicomsdl.open_memory(data).pixelData(frame, storedvalue=True)
    if values.ndim == 3:
        if values.shape[0] == 3 and values.shape[2] != 3:
            values = values.transpose(1, 2, 0)
        # The JPEG decoders hand out RGB; these two families keep what was stored.
        stored = syntax.name.startswith(("JPEG-LS", "JPEG 2000"))
        if stored and "YBR_FULL" in dataset.PhotometricInterpretation:
            values = convert_color_space(values, "YBR_FULL", "RGB")
    return values


def _check_codestream(stream: bytes, dataset: FileDataset) -> None:
    claimed = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    if (real := frame_shape(stream)) != claimed:
        raise ValueError(f"the compressed frame has the shape {real}, the header says {claimed}")


def _mode(spec: InputSpec) -> str:
    return "L" if spec.channels == 1 else "RGB"


def _high_byte(colours: NDArray[Any], bits: int) -> Pixels:
    """The upper eight of `bits` bits, without a float copy of what may be a hundred megapixels."""
    return (colours >> (bits - 8)).astype(np.uint8) if bits > 8 else colours.astype(np.uint8, copy=False)


def _grey(values: NDArray[Any], display: Dataset, source: Source) -> DecodedImage:
    values = _without_overlay_bits(values, display)
    values = _without_padding(values, display)
    # Pillow resizes 16-bit images only if unsigned; the offset is taken off again afterwards.
    offset = 0
    if values.dtype.kind == "i" and values.dtype.itemsize == 2:
        offset = 2**15
        values = values.astype(np.int16).view(np.uint16) ^ offset
    elif values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
    else:
        values = only_finite(values.astype(np.float32))
    image = Image.fromarray(np.ascontiguousarray(values))
    return DecodedImage(image, source, lambda small: _to_display(small.astype(np.float64) - offset, display))


def _without_overlay_bits(values: NDArray[Any], display: Dataset) -> NDArray[Any]:
    """Old files keep overlays in the bits above BitsStored; shifting them out also restores the sign."""
    if values.dtype.kind not in "iu":
        return values
    surplus = values.dtype.itemsize * 8 - int(display.BitsStored)
    return (values << surplus) >> surplus if surplus > 0 else values


def _without_padding(values: NDArray[Any], display: Dataset) -> NDArray[Any]:
    """Replace pixels that stand for "nothing here" (C.7.5.1.1.2) by the darkest real value."""
    padding = display.get("PixelPaddingValue")
    if padding is None:
        return values
    limit = display.get("PixelPaddingRangeLimit", padding)
    real = (values < min(padding, limit)) | (values > max(padding, limit))
    if not real.any() or real.all():
        return values
    darkest = values[real].max() if _is_inverted(display) else values[real].min()
    return np.where(real, values, darkest)


def _is_inverted(display: Dataset) -> bool:
    return bool(display.PhotometricInterpretation == "MONOCHROME1")


def _to_display(values: NDArray[np.float64], display: Dataset) -> Pixels:
    """Modality transform, then value-of-interest transform, then polarity, as a viewer would show them."""
    if "ModalityLUTSequence" in display:
        values = np.rint(values).astype(np.int64)
    levels = _apply_voi(apply_modality_lut(values, display), display)
    return 255 - levels if _is_inverted(display) else levels


def _apply_voi(values: NDArray[Any], display: Dataset) -> Pixels:
    if display.get("VOILUTSequence"):
        bits = display.VOILUTSequence[0].LUTDescriptor[2]
        return stretch(apply_voi(np.rint(values).astype(np.int64), display), 0, 2**bits - 1)
    window = _window(display)
    if window is None:
        # No window stored: show everything that is there.
        return stretch(values, float(values.min()), float(values.max()))
    return _apply_window(values, *window, str(display.get("VOILUTFunction") or "LINEAR"))


def _window(display: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first window, if there is one that can be used."""
    centre, width = _first(display.get("WindowCenter")), _first(display.get("WindowWidth"))
    return (centre, width) if centre is not None and width is not None and width > 0 else None


def _first(value: Any) -> float | None:
    """The first of one or several values, any of which may be empty."""
    values = list(value) if isinstance(value, MultiValue) else [value]
    return float(values[0]) if values and values[0] not in (None, "") else None


def _apply_window(values: NDArray[Any], centre: float, width: float, function: str) -> Pixels:
    """The three window functions of C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        return stretch(1 / (1 + np.exp(-4 * (values - centre) / width)), 0, 1)
    if function == "LINEAR_EXACT" or width <= 1:
        return stretch(values, centre - width / 2, centre + width / 2)
    return stretch(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def _display_dataset(dataset: FileDataset, frame: int) -> Dataset:
    """The attributes that decide the grey levels of one frame.

    Multi-frame objects may keep them in functional groups (C.7.6.16), shared by all frames or one per frame.
    """
    display = Dataset()
    # Lookup tables of VR OW are words in the file's byte order.
    display.set_original_encoding(*dataset.original_encoding)
    groups: list[Dataset] = [dataset]
    groups += list(dataset.get("SharedFunctionalGroupsSequence") or [])
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if frame < len(per_frame):
        groups.append(per_frame[frame])
    for group in groups:
        macros = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
        for part in [group, *(group[macro].value[0] for macro in macros if group.get(macro))]:
            for keyword in _DISPLAY:
                if keyword in part:
                    display.add(part[keyword])
    return display


_DISPLAY = (
    "BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
)  # fmt: skip
