"""DICOM files that the page must read, and others that it must leave to the server."""

from io import BytesIO
from struct import pack, unpack_from
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from tests import images
from tests.compression import compressed, relabelled

WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
GREY = images.quadrants([0, 1000, 2000, 4000], "u2")


def dicom(
    pixels: NDArray[Any] = GREY, photometric: str = "MONOCHROME2", bits: int = 12, **elements: Any
) -> bytes:
    """A file; elements given as None are omitted."""
    dataset = images.dicom_dataset(pixels, photometric, bits, **WINDOW)
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return images.dicom_file(dataset)


def without(keyword: str, **elements: Any) -> bytes:
    """A file without an element."""
    lacking: dict[str, Any] = {keyword: None}
    return dicom(**lacking, **elements)


def raw(keyword: str, representation: bytes, value: bytes, **elements: Any) -> bytes:
    """A file with raw element bytes that pydicom would not write."""
    data = without(keyword, **elements) if keyword in WINDOW or keyword == "Rows" else dicom(**elements)
    tag = Tag(keyword)
    at = data.index(b"\x08\x00\x16\x00")
    while (header := unpack_from("<HH2sH", data, at))[:2] < (tag.group, tag.element):
        at += 8 + header[3]
    return data[:at] + pack("<HH2sH", tag.group, tag.element, representation, len(value)) + value + data[at:]


def in_syntax(syntax: str, stated: str | None = None, **elements: Any) -> bytes:
    """A file in an uncompressed transfer syntax, which may state another one."""
    dataset = images.dicom_dataset(GREY, **(WINDOW | elements))
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = GREY.astype(">u2").tobytes()
    file = BytesIO()
    dataset.save_as(
        file,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    data = file.getvalue()
    if stated:
        place = data.index(b"\x02\x00\x10\x00UI")
        length = data[place + 6]
        uid = stated.encode() + b"\0" * (len(stated) % 2)
        data = data[: place + 6] + pack("<H", len(uid)) + uid + data[place + 8 + length :]
    return data


def inserted(element: bytes, before: bytes = pack("<HH2s", 0x28, 0x02, b"US")) -> bytes:
    """A file with one more element."""
    data = dicom()
    place = data.index(before)
    return data[:place] + element + data[place:]


def later_group(*, preamble: bool) -> bytes:
    """A file whose groups before 0010 were removed, optionally with the file meta information."""
    data = dicom()
    place = data.index(b"\x08\x00\x16\x00")
    return (data[:place] if preamble else b"") + data[data.index(b"\x10\x00\x10\x00PN") :]


def big_endian_odd_frames() -> bytes:
    """Big-endian frames with an odd number of bytes."""
    frames = images.gradient(27 * 3, 37).astype("u1").reshape(3, 27, 37)
    dataset = images.dicom_dataset(frames, bits=8)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    words = np.frombuffer(frames.tobytes() + b"\0", "u2").byteswap().tobytes()
    dataset["PixelData"] = DataElement("PixelData", "OW", words)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=False)
    return file.getvalue()


def twelve_bit_palette() -> bytes:
    """A palette of 256 entries with 12 bits."""
    dataset = images.dicom_dataset((GREY // 16).astype("u1"), bits=8)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 12])
        entries = (np.arange(256) * 16).astype("<u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", entries)
    return images.dicom_file(dataset)


def padded_floats() -> bytes:
    """Float pixels with the largest float as padding."""
    values = GREY.astype("f4")
    values[:4] = np.finfo("f4").max
    dataset = images.dicom_dataset(GREY, BitsAllocated=32, FloatPixelData=values.tobytes())
    del dataset.PixelData
    return images.dicom_file(dataset)


def table() -> Sequence:
    """An inverting lookup table."""
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 12]
    item.LUTData = np.arange(4095, -1, -1, dtype="<u2").tobytes()
    return Sequence([item])


ITEM, ITEM_END, SEQUENCE_END = (
    pack("<HHI", 0xFFFE, tag, length) for tag, length in ((0xE000, 0xFFFFFFFF), (0xE00D, 0), (0xE0DD, 0))
)
SEQUENCE = pack("<HH2sHI", 0x21, 0x10, b"SQ", 0, 0xFFFFFFFF)
NUMBER = pack("<HH2sHH", 0x08, 0x1150, b"US", 2, 1)


def fine_detail() -> NDArray[Any]:
    """Squares with single lines, which a resize averages with what is beside them."""
    values = images.quadrants([1000, 2000, 2000, 3000], "u2", 256)
    values[::32], values[16::32] = 0, 4000
    return values


def dicoms_read_here() -> dict[str, bytes]:
    """Uncompressed little-endian files with regular elements."""
    colours = images.colours(32, 32)
    return {
        "plain": dicom(),
        "implicit": in_syntax(ImplicitVRLittleEndian),
        "implicit, padding": in_syntax(
            ImplicitVRLittleEndian, PixelPaddingValue=0, PixelPaddingRangeLimit=20
        ),
        "no window": dicom(WindowCenter=None, WindowWidth=None),
        "empty window": dicom(WindowCenter="", WindowWidth=""),
        "no window, fine detail": images.dicom(fine_detail()),
        "several windows": dicom(WindowCenter=[2000, 100], WindowWidth=[1000, 50]),
        "exact window": dicom(VOILUTFunction="LINEAR_EXACT"),
        "inverted": dicom(photometric="MONOCHROME1"),
        "rescaled": dicom(RescaleSlope=2, RescaleIntercept=-1000),
        "falling": dicom(RescaleSlope=-1, RescaleIntercept=4000),
        "falling, padding": dicom(RescaleSlope=-1, RescaleIntercept=4000, PixelPaddingValue=0),
        "signed": dicom(GREY.astype("i2") - 1000, bits=13),
        "signed, padding called unsigned": raw("PixelPaddingValue", b"US", pack("<h", -2000)),
        "overlay in unused bits": dicom(GREY | 0x8000, bits=16, BitsStored=12, HighBit=11),
        "8 bits": dicom((GREY // 16).astype("u1"), bits=8, WindowCenter=None, WindowWidth=None),
        "colours": dicom(colours, "RGB", 8),
        "colours by plane": dicom(
            colours, "RGB", 8, PlanarConfiguration=1, PixelData=colours.transpose(2, 0, 1).tobytes()
        ),
        "middle frame": dicom(np.stack([GREY // 2, GREY, GREY // 3]), NumberOfFrames=3),
        "more than its frame": dicom(PixelData=GREY.tobytes() * 2),
        "codes and names": dicom(ImageLaterality="L", ViewPosition="DOE JANE", Modality="MG"),
        "short names": dicom(ImageLaterality="X", Laterality="R", ViewPosition="DOE", Modality="JANE"),
        "codes in lower case": dicom(ViewPosition="MLO").replace(b"MLO ", b"mlo "),
        "retired modality": dicom(Modality="DD"),
        "group 0008 removed": later_group(preamble=True),
        "small slope": dicom(RescaleSlope="1.1E-30", RescaleIntercept=0, WindowCenter=None, WindowWidth=None),
        "large slope": dicom(RescaleSlope="9E29", RescaleIntercept=0, WindowCenter=None, WindowWidth=None),
        "far from zero": dicom(RescaleIntercept=1e9, RescaleSlope=1, WindowCenter=None, WindowWidth=None),
        "large window": dicom(WindowCenter="0", WindowWidth="9E29"),
        "narrow window": dicom(WindowCenter="1500", WindowWidth="1.0001"),
        "narrow exact window": dicom(WindowCenter="1500", WindowWidth="1.5", VOILUTFunction="LINEAR_EXACT"),
        "square": dicom(PixelSpacing=[0.2, 0.2]),
        "spacing at the detector": dicom(ImagerPixelSpacing=["0.1430000001", "0.143"]),
        "spacing that is not plausible": dicom(PixelSpacing=["19551224", "19551224"]),
        "begins as a TIFF does": b"II*\0" + dicom()[4:],
        "begins as a JPEG does": b"\xff\xd8\xff" + dicom()[3:],
        "sequences": inserted((SEQUENCE + ITEM) * 20 + (ITEM_END + SEQUENCE_END) * 20),
        "icon": inserted(
            SEQUENCE
            + ITEM
            + pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 64)
            + bytes(64)
            + ITEM_END
            + SEQUENCE_END
        ),
        "many items": inserted(SEQUENCE + (ITEM + NUMBER + ITEM_END) * 1000 + SEQUENCE_END),
        "sequence of unknown type": inserted(
            SEQUENCE.replace(b"SQ", b"UN") + ITEM + pack("<HHIH", 8, 0x1150, 2, 1) + ITEM_END + SEQUENCE_END
        ),
    }


def dicoms_left_to_the_server() -> dict[str, bytes]:
    """Files with features that the page does not support, or with irregular elements."""
    group, macro = Dataset(), Dataset()
    macro.WindowCenter, macro.WindowWidth = 100, 50
    group.FrameVOILUTSequence = Sequence([macro])
    long_text = pack("<HH2sHI", 0x28, 0x1050, b"UT", 0, 100_000) + b"1\\" * 50_000
    required = (
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "PixelRepresentation",
    )
    hot = images.quadrants([1000, 1100, 1200, 1300], "u2")
    hot[2, 20] = 4095
    large = images.quadrants([1000, 1100, 1200, 1300], "u2", 2100)
    large[2, 20] = 4095
    rle = images.dicom_dataset(GREY, **WINDOW)
    rle.compress(RLELossless)
    eight = images.dicom(images.quadrants([0, 80, 160, 255], "u1"), bits=8)
    lossless = gdcm.TransferSyntax.JPEG2000Lossless
    floats = images.dicom_dataset(GREY, BitsAllocated=32, FloatPixelData=GREY.astype("f4").tobytes())
    del floats.PixelData
    return {
        **{f"without {keyword}": without(keyword) for keyword in required},
        **{
            f"{value!r} frames": raw("NumberOfFrames", b"IS", value)
            for value in (b"0 ", b"-3", b"x ", b"1.5 ", b"NaN ", b"0x1 ", b"1\\2 ", b"0_1 ")
        },
        **{
            f"window {value!r}": raw("WindowCenter", b"DS", value)
            for value in (b"NaN ", b"2048,0", b"0x80", b"1_000 ", b"\\2048 ")
        },
        **{f"width {value}": dicom(WindowWidth=value) for value in ("1", "0.5", "0", "-5", "")},
        **{
            f"slope {value!r}": raw("RescaleSlope", b"DS", value, RescaleIntercept=0)
            for value in (
                b"steep ",
                b"NaN ",
                b"0 ",
                b"inf ",
                b"1_0 ",
                b"1E30",
                b"-1E30 ",
                b"9E-31 ",
                b"1E400 ",
            )
        },
        **{
            f"intercept {value!r}": raw("RescaleIntercept", b"DS", value, RescaleSlope=1)
            for value in (b"1E30", b"-1E30 ", b"1_0 ", b"NaN ")
        },
        "window at 1E30": dicom(WindowCenter="1E30"),
        "window of 1E30": dicom(WindowWidth="1E30"),
        "window of 1E400": dicom(WindowWidth="1E400"),
        "window narrower than its numbers": dicom(
            WindowCenter="1E20", WindowWidth="2", VOILUTFunction="LINEAR_EXACT"
        ),
        "exact window of width 1": dicom(WindowWidth="1", VOILUTFunction="LINEAR_EXACT"),
        "exact window of width 1E-9": dicom(WindowWidth="1E-9", VOILUTFunction="LINEAR_EXACT"),
        "window of another type": dicom().replace(
            pack("<HH2s", 0x28, 0x1050, b"DS"), pack("<HH2s", 0x28, 0x1050, b"LO")
        ),
        "rows as long": raw("Rows", b"UL", pack("<I", 32)),
        "two values of rows": raw("Rows", b"US", pack("<HH", 32, 64)),
        "padding of no value": raw("PixelPaddingValue", b"US", b""),
        "rows twice": inserted(pack("<HH2sHH", 0x28, 0x10, b"US", 2, 16)),
        "a window that no image needs": inserted(long_text, pack("<HH2s", 0x28, 0x1050, b"DS")),
        "an element of unknown type": inserted(pack("<HH2sH", 0x21, 0x10, b"??", 2) + b"ab"),
        "no items": inserted(SEQUENCE + b"garbage!"),
        "sigmoid": dicom(VOILUTFunction="SIGMOID"),
        "inverse": dicom(PresentationLUTShape="INVERSE"),
        "window table": dicom(VOILUTSequence=table()),
        "modality table": dicom(ModalityLUTSequence=table()),
        "window of the frame": dicom(PerFrameFunctionalGroupsSequence=Sequence([group])),
        "oblong": dicom(PixelSpacing=[0.2, 0.1]),
        "oblong by ratio": dicom(PixelAspectRatio=[2, 1]),
        "hot pixel": images.dicom(hot),
        "hot pixel of a large image": images.dicom(large),
        "left-aligned": dicom(GREY * 16, bits=16, BitsStored=12, HighBit=15),
        "more bits than allocated": dicom(BitsStored=17),
        "no bits": dicom(BitsStored=0),
        "three samples of grey": dicom(SamplesPerPixel=3),
        "grey samples of colour": dicom(PhotometricInterpretation="RGB"),
        "CMYK": dicom(PhotometricInterpretation="CMYK"),
        "YBR_FULL": dicom(images.colours(32, 32), "YBR_FULL", 8),
        "signed colours": dicom(images.colours(32, 32), "RGB", 8, PixelRepresentation=1),
        "deep colours": dicom(images.colours(32, 32).astype("u2") * 257, "RGB", 16),
        "palette": dicom((GREY // 16).astype("u1"), bits=8, PhotometricInterpretation="PALETTE COLOR"),
        "12 bits allocated": dicom(BitsAllocated=12),
        "palette of 12 bits": twelve_bit_palette(),
        "floats": images.dicom_file(floats),
        "floats, padded with the largest": padded_floats(),
        "missing frames": dicom(NumberOfFrames=4),
        "missing rows": dicom(Rows=64),
        "cut off": dicom()[:-500],
        "cut off in the header": dicom()[:700],
        "60,000 x 60,000": dicom(Rows=60_000, Columns=60_000),
        "no pixels": images.structured_report(),
        "no preamble": dicom()[132:],
        "no preamble, later group": later_group(preamble=False),
        "no file meta information": bytes(128) + b"DICM" + dicom()[dicom().index(b"\x08\x00\x16\x00") :],
        "big-endian, odd frames": big_endian_odd_frames(),
        "big-endian": in_syntax(ExplicitVRBigEndian),
        "implicit, called explicit": in_syntax(ImplicitVRLittleEndian, ExplicitVRLittleEndian),
        "explicit, called implicit": in_syntax(ExplicitVRLittleEndian, ImplicitVRLittleEndian),
        "uncompressed, called deflated": in_syntax(ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian),
        "compressed, called uncompressed": compressed(eight, lossless).replace(
            b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.1\0\0\0"
        ),
        "RLE": images.dicom_file(rle),
        "JPEG 2000 of 8 bits in 16": relabelled(
            compressed(eight, lossless), BitsAllocated=16, BitsStored=16, HighBit=15
        ),
        "JPEG 2000 of 16 bits in 8": relabelled(
            compressed(images.dicom(GREY * 16, bits=16), lossless), BitsAllocated=8, BitsStored=8, HighBit=7
        ),
    }
