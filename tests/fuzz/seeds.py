"""The files that mutations start from: small ones made here, those of pydicom's package, and real ones.

Nothing in them is random, so that a case always means the same bytes.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from tests import images
from tests.compression import compressed
from tests.stage import ROOT
from tests.tiff_files import Order, Page, Tags, tiff

Seed = Callable[[], bytes]

ROWS, COLUMNS = 24, 20
_UID = UID("1.2.826.0.1.3680043.8.498.1")
_LARGEST = 120_000
"""Bytes; larger files spend their time in compression that a small one exercises as well."""

_SYNTAXES = {
    "rle": gdcm.TransferSyntax.RLELossless,
    "jpeg-baseline": gdcm.TransferSyntax.JPEGBaselineProcess1,
    "jpeg-extended": gdcm.TransferSyntax.JPEGExtendedProcess2_4,
    "jpeg-lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "jpeg-lossless-sv1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "jpeg-ls": gdcm.TransferSyntax.JPEGLSLossless,
    "jpeg-ls-near": gdcm.TransferSyntax.JPEGLSNearLossless,
    "jpeg-2000": gdcm.TransferSyntax.JPEG2000,
    "jpeg-2000-lossless": gdcm.TransferSyntax.JPEG2000Lossless,
}
_EIGHT_BITS_ONLY = ("jpeg-baseline", "jpeg-extended")


def _grey(low: int, high: int, kind: str) -> NDArray[Any]:
    return images.gradient(ROWS, COLUMNS, low, high).astype(kind)


def _dataset(
    pixels: NDArray[Any], photometric: str = "MONOCHROME2", bits: int = 12, **elements: Any
) -> Dataset:
    dataset = images.dicom_dataset(pixels, photometric, bits, **elements)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _UID
    return dataset


def _pictures() -> Mapping[str, Callable[[], Dataset]]:
    """What a file shows, before it is encoded."""
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    colour = images.colours(ROWS, COLUMNS)
    return {
        "grey-8": lambda: _dataset(_grey(0, 255, "u1"), bits=8),
        "grey-12": lambda: _dataset(_grey(0, 4095, "u2"), **window),
        "signed-16": lambda: _dataset(
            _grey(-1000, 1000, "i2"), bits=16, RescaleSlope=2, RescaleIntercept=-5, PixelPaddingValue=-1000
        ),
        "monochrome1-16": lambda: _dataset(
            _grey(0, 65535, "u2"), "MONOCHROME1", 16, VOILUTFunction="SIGMOID", **window
        ),
        "rgb-8": lambda: _dataset(colour, "RGB", 8),
        "ybr-8": lambda: _dataset(colour, "YBR_FULL", 8),
        "black-8": lambda: _dataset(np.zeros((ROWS, COLUMNS), np.uint8), bits=8),
        "white-8": lambda: _dataset(np.full((ROWS, COLUMNS), 255, np.uint8), bits=8),
    }


def _native() -> Mapping[str, Callable[[], Dataset]]:
    """Pictures that are stored uncompressed only."""
    return {
        "three-frames": lambda: _dataset(np.stack([_grey(0, top, "u2") for top in (100, 4095, 900)])),
        "rgb-16": lambda: _dataset(images.colours(ROWS, COLUMNS).astype("u2") * 257, "RGB", 16),
        "grey-32": _thirty_two_bits,
        "palette-8": lambda: _palette(_grey(0, 255, "u1"), 8),
        "palette-16": lambda: _palette(_grey(0, 255, "u2"), 16),
        "lookup-tables": _lookup_tables,
        "functional-groups": _functional_groups,
        "float": lambda: _floating("FloatPixelData", "f4", 32),
        "double": lambda: _floating("DoubleFloatPixelData", "f8", 64),
        "bitmap": _bitmap,
    }


def _palette(pixels: NDArray[Any], bits: int) -> Dataset:
    dataset = _dataset(pixels, bits=bits)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = (np.arange(256) * 257 // (number + 1)).astype("<u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table)
    return dataset


def _lookup_tables() -> Dataset:
    voi, modality = Dataset(), Dataset()
    modality.LUTDescriptor, modality.ModalityLUTType = [4096, 0, 16], "HU"
    modality.LUTData = np.arange(4096, dtype="<u2").tobytes()
    voi.LUTDescriptor, voi.LUTData = [4096, 0, 8], np.arange(4096, dtype="<u2").tobytes()
    return _dataset(
        _grey(0, 4095, "u2"), ModalityLUTSequence=Sequence([modality]), VOILUTSequence=Sequence([voi])
    )


def _functional_groups() -> Dataset:
    def group(centre: float) -> Dataset:
        voi, frame = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 2000
        frame.FrameVOILUTSequence = Sequence([voi])
        return frame

    frames = np.stack([_grey(0, 4095, "u2")] * 3)
    return _dataset(frames, PerFrameFunctionalGroupsSequence=Sequence(map(group, (9, 1000, 9))))


def _floating(keyword: str, kind: str, bits: int) -> Dataset:
    dataset = _dataset(_grey(0, 255, "u1"), bits=8)
    del dataset.PixelData
    setattr(dataset, keyword, _grey(-500, 1500, "f8").astype(kind).tobytes())
    dataset.BitsAllocated = bits
    return dataset


def _thirty_two_bits() -> Dataset:
    dataset = _dataset(_grey(0, 255, "u1"), bits=8)
    dataset.BitsAllocated = dataset.BitsStored = 32
    dataset.HighBit = 31
    dataset.PixelData = _grey(0, 2**31, "u4").tobytes()
    return dataset


def _bitmap() -> Dataset:
    dataset = _dataset(_grey(0, 255, "u1"), bits=8)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.PixelData = bytes(range(ROWS * COLUMNS // 8))
    return dataset


def _written(picture: Callable[[], Dataset], syntax: UID | None = None) -> bytes:
    """The file in an uncompressed transfer syntax."""
    dataset = picture()
    if syntax == ExplicitVRBigEndian and dataset.get("BitsAllocated") in (16, 32, 64):
        for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            if keyword in dataset:
                swapped = np.frombuffer(dataset[keyword].value, f"<u{dataset.BitsAllocated // 8}").byteswap()
                dataset[keyword].value = swapped.tobytes()
    if syntax is not None:
        dataset.file_meta.TransferSyntaxUID = syntax
    return images.dicom_file(dataset)


_OF_THE_STREAM = (
    "PixelData", "PhotometricInterpretation", "PlanarConfiguration", "SamplesPerPixel", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip


def _packed(picture: Callable[[], Dataset], syntax: int) -> bytes:
    """The file as GDCM compresses it, without the identifiers that GDCM makes up each time."""
    packed = pydicom.dcmread(BytesIO(compressed(_written(picture), syntax)))
    dataset = picture()
    dataset.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
    for keyword in _OF_THE_STREAM:
        if keyword in packed:
            dataset[keyword] = packed[keyword]
    return images.dicom_file(dataset)


def _repeated(name: str) -> bytes:
    """The frame of a compressed file three times."""
    dataset = pydicom.dcmread(BytesIO(SEEDS[name]()))
    dataset.NumberOfFrames = 3
    dataset.PixelData = encapsulate([get_frame(dataset.PixelData, 0, number_of_frames=1)] * 3)
    return images.dicom_file(dataset)


def _renamed(name: str, syntax: UID) -> bytes:
    """A compressed file under the name of a transfer syntax that is refused."""
    dataset = pydicom.dcmread(BytesIO(SEEDS[name]()))
    dataset.file_meta.TransferSyntaxUID = syntax
    return images.dicom_file(dataset)


def _baseline_colour() -> bytes:
    """As cameras and ultrasound devices store it: YBR_FULL_422 in a JPEG stream with sub-sampled colour."""
    dataset = _dataset(images.colours(ROWS, COLUMNS), "RGB", 8)
    stream = images.encode(Image.fromarray(images.colours(ROWS, COLUMNS)), "JPEG", subsampling=1)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.PixelData = encapsulate([stream])
    return images.dicom_file(dataset)


def _dicom() -> Mapping[str, Seed]:
    pictures, seeds = _pictures(), dict[str, Seed]()
    all_pictures = {**pictures, **_native()}
    for name, picture in all_pictures.items():
        seeds[f"{name}/explicit"] = partial(_written, picture)
        seeds[f"{name}/implicit"] = partial(_written, picture, ImplicitVRLittleEndian)
    for name in ("grey-8", "grey-12", "signed-16", "rgb-8", "three-frames"):
        seeds[f"{name}/big-endian"] = partial(_written, all_pictures[name], ExplicitVRBigEndian)
    for name, picture in pictures.items():
        for syntax, number in _SYNTAXES.items():
            if "8" in name or syntax not in _EIGHT_BITS_ONLY:
                seeds[f"{name}/{syntax}"] = partial(_packed, picture, number)
    for syntax in _SYNTAXES:
        single = "grey-8" if syntax in _EIGHT_BITS_ONLY else "grey-12"
        seeds[f"three-frames/{syntax}"] = partial(_repeated, f"dicom/{single}/{syntax}")
    seeds["ybr-422/jpeg-baseline"] = _baseline_colour
    seeds["grey-12/deflated"] = partial(_written, pictures["grey-12"], DeflatedExplicitVRLittleEndian)
    seeds["grey-12/high-throughput"] = partial(_renamed, "dicom/grey-12/jpeg-2000-lossless", HTJ2KLossless)
    return seeds


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = images.PATIENT, 6
    return exif


def _jpeg() -> Mapping[str, Seed]:
    grey = Image.fromarray(_grey(0, 255, "u1"))
    colour = Image.fromarray(images.colours(ROWS, COLUMNS))
    make = partial(partial, images.encode)
    return {
        "grey": make(grey, "JPEG", exif=_exif()),
        "colour": make(colour, "JPEG", subsampling=0),
        "sub-sampled": make(colour, "JPEG", subsampling=2, comment=images.PATIENT),
        "progressive": make(colour, "JPEG", progressive=True),
        "restarts": make(colour, "JPEG", restart_marker_blocks=1),
        "cmyk": make(colour.convert("CMYK"), "JPEG"),
        "several": make(colour, "MPO", save_all=True, append_images=[colour, grey.convert("RGB")]),
    }


def _png() -> Mapping[str, Seed]:
    grey = Image.fromarray(_grey(0, 255, "u1"))
    colour = Image.fromarray(images.colours(ROWS, COLUMNS))
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", images.PATIENT)
    text.add_itxt("Description", images.PATIENT, zip=True)
    make = partial(partial, images.encode)
    return {
        "grey": make(grey, "PNG", pnginfo=text, exif=_exif()),
        "grey-16": make(Image.fromarray(_grey(0, 4095, "u2")), "PNG"),
        "bitmap": make(grey.convert("1"), "PNG"),
        "grey-alpha": make(grey.convert("LA"), "PNG"),
        "colour": make(colour, "PNG"),
        "alpha": make(colour.convert("RGBA"), "PNG"),
        "palette": make(colour.quantize(16), "PNG", transparency=3),
        "animated": make(colour, "PNG", save_all=True, append_images=[colour.rotate(90), colour.rotate(180)]),
    }


def _tiff() -> Mapping[str, Seed]:
    grey = Image.fromarray(_grey(0, 255, "u1"))
    colour = Image.fromarray(images.colours(ROWS, COLUMNS))
    make = partial(partial, images.encode)
    seeds: dict[str, Seed] = {
        "grey": make(grey, "TIFF", description=images.PATIENT),
        "grey-16": make(Image.fromarray(_grey(0, 4095, "u2")), "TIFF"),
        "grey-32": make(Image.fromarray(_grey(-5, 70_000, "i4")), "TIFF"),
        "float": make(Image.fromarray(_grey(-500, 1500, "f4")), "TIFF"),
        "cmyk": make(colour.convert("CMYK"), "TIFF"),
        "lab": make(Image.merge("LAB", colour.split()), "TIFF"),
        "palette": make(colour.quantize(16), "TIFF"),
        "alpha": make(colour.convert("RGBA"), "TIFF"),
        "pages": make(colour, "TIFF", save_all=True, append_images=[grey, colour]),
        "big": make(colour, "TIFF", big_tiff=True),
        "fax": make(grey.convert("1"), "TIFF", compression="group4"),
    }
    seeds |= _hand_made_tiff()
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"):
        seeds[f"colour-{name}"] = make(colour, "TIFF", compression=name)
    return seeds


def _hand_made_tiff() -> Mapping[str, Seed]:
    """What Pillow does not write."""
    grey, colour = _grey(0, 255, "u1"), images.colours(ROWS, COLUMNS)
    luma = np.asarray(Image.fromarray(colour).convert("YCbCr"))
    alpha = np.stack([grey, grey[::-1]], axis=-1).astype("u2") * 257
    dots: Tags = {282: (204, 1), 283: (98, 1), 274: 6}
    pages = {
        "packed": [Page(_grey(0, 4095, "u2"), bits=12, strip=5)],
        "double": [Page(_grey(-500, 1500, "f8"), compression=8, predictor=3, tile=(16, 16))],
        "signed": [Page(_grey(-500, 1500, "i2"), {262: 0}, 5, predictor=2, strip=7)],
        "planes": [Page(colour.astype("u2") * 16, compression=34925, planar=True, strip=5)],
        "luma": [Page(luma, {262: 6, 530: [1, 1]}, compression=32773, tile=(16, 16))],
        "grey-alpha": [Page(alpha, {262: 1, 338: 2, **dots}, compression=50000)],
        "levels": [Page(colour), Page(colour[::2, ::2]), Page(grey, {254: 4, 262: 4}), Page(grey, {254: 1})],
    }
    orders: Mapping[str, Order] = {"little": "<", "big": ">"}
    return {
        f"{name}-{order}": partial(tiff, *parts, order=sign, big=order == "big" and name == "planes")
        for name, parts in pages.items()
        for order, sign in orders.items()
    }


def _made() -> dict[str, Seed]:
    formats = {"dicom": _dicom(), "jpeg": _jpeg(), "png": _png(), "tiff": _tiff()}
    return {f"{kind}/{name}": cache(make) for kind, seeds in formats.items() for name, make in seeds.items()}


def _packaged() -> dict[str, Seed]:
    """The files that pydicom brings along for its own tests."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    paths = [path for path in sorted(folder.glob("*.dcm")) if path.stat().st_size <= _LARGEST]
    return {f"pydicom/{path.name}": path.read_bytes for path in paths}


def _real() -> dict[str, Seed]:
    """Real images, where they are."""
    folder = Path(os.environ.get("NEGATOSCOPE_DATA") or ROOT / ".." / "shared" / "data").resolve()
    paths = [path for path in sorted(folder.glob("dicom/*/*")) if path.stat().st_size <= _LARGEST]
    for pattern in (
        "chest-xray/*/*/*",
        "breast-ultrasound/*/*/*",
        "mammography-views/*/*/*",
        "breast-histology/*/*/*",
    ):
        paths += sorted(folder.glob(pattern))[::500]
    return {f"real/{path.relative_to(folder)}": path.read_bytes for path in paths if path.is_file()}


SEEDS: Mapping[str, Seed] = _made()
"""Those made here, by name: format, picture and encoding."""
PACKAGED: Mapping[str, Seed] = _packaged()
REAL: Mapping[str, Seed] = _real()
_ALL: Mapping[str, Seed] = {**SEEDS, **PACKAGED, **REAL}


def read(name: str) -> bytes:
    """The seed of that name.

    Raises:
        KeyError: if there is none, for example because the real images are not on this machine.
    """
    return _ALL[name]()


def names() -> tuple[str, ...]:
    """Of all seeds there are on this machine."""
    return tuple(_ALL)
