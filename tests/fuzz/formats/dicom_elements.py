"""Operations on the elements of a DICOM file."""

import struct
from collections.abc import Callable
from random import Random

from tests import images
from tests.fuzz.formats import Operation, Operations, raw
from tests.fuzz.formats.dicom_file import UNDEFINED, DicomFile, Element, item, parse
from tests.fuzz.formats.values import integer, number_text

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES, ROWS, COLUMNS = (
    0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011,
)  # fmt: skip
ALLOCATED, STORED, HIGH_BIT, SIGN, PADDING, PADDING_LIMIT = (
    0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280120, 0x00280121,
)  # fmt: skip
CENTRE, WIDTH, INTERCEPT, SLOPE, RESCALE_TYPE, FUNCTION = (
    0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00281054, 0x00281056,
)  # fmt: skip
MODALITY_LUT, VOI_LUT, LUT_DESCRIPTOR, LUT_TYPE, LUT_DATA = (
    0x00283000, 0x00283010, 0x00283002, 0x00283004, 0x00283006,
)  # fmt: skip
_NUMBERS = (SAMPLES, PLANAR, ROWS, COLUMNS, ALLOCATED, STORED, HIGH_BIT, SIGN, PADDING, PADDING_LIMIT)
_TEXTS = (CENTRE, WIDTH, INTERCEPT, SLOPE, FRAMES, 0x00281054, 0x00280034, 0x00280030)
_BITS = (8, 8, 8, 8, 16, 16, 16, 16, 1, 2, 4, 7, 8, 9, 10, 12, 14, 16, 24, 32, 64)
_PHOTOMETRIC = (
    "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420",
    "YBR_ICT", "YBR_RCT", "PALETTE COLOR", "HSV", "ARGB", "CMYK", "XYB", "", "monochrome2", "MONOCHROME",
)  # fmt: skip
SYNTAXES = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1", "1.2.3.4", "", "not a UID",
)  # fmt: skip
_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV",
    "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV",
    "ZZ", "\x00\x00",
)  # fmt: skip


def on_file(change: Callable[[DicomFile, Random], None]) -> Operation:
    def operation(data: bytes, random: Random) -> bytes:
        file = parse(data)
        if file.elements:
            change(file, random)
        return bytes(file)

    return operation


def _number(file: DicomFile, random: Random) -> None:
    """Another integer in an element that describes the pixels."""
    file.put_number(random.choice(_NUMBERS), integer(random, 16))


def _bits(file: DicomFile, random: Random) -> None:
    """Other depths, which may or may not agree with each other and with the pixels."""
    allocated = random.choice(_BITS)
    stored = random.choice((allocated, random.choice(_BITS)))
    for tag, value in ((ALLOCATED, allocated), (STORED, stored), (HIGH_BIT, stored - 1)):
        if random.randrange(4):
            file.put_number(tag, value)


def _sign(file: DicomFile, random: Random) -> None:
    file.put_number(SIGN, random.choice((1, 0, 1, 0, 2, 65535)))


def _samples(file: DicomFile, random: Random) -> None:
    file.put_number(SAMPLES, random.choice((0, 1, 2, 3, 4)))
    if random.randrange(2):
        file.put_number(PLANAR, random.randrange(3))
    if random.randrange(2):
        _photometric(file, random)


def _photometric(file: DicomFile, random: Random) -> None:
    text = random.choice(_PHOTOMETRIC)
    file.put(PHOTOMETRIC, "CS", text.encode() + b" " * (len(text) % 2))


def _text(file: DicomFile, random: Random) -> None:
    """A window, slope, number of frames or pixel spacing that is not quite a number."""
    file.put(random.choice(_TEXTS), random.choice(("DS", "DS", "IS")), number_text(random))
    if random.randrange(2):
        file.put(random.choice((CENTRE, WIDTH)), "DS", number_text(random))


def _function(file: DicomFile, random: Random) -> None:
    name = random.choice((b"SIGMOID ", b"LINEAR_EXACT", b"LINEAR", b"Sigmoid ", b"", b"LINEAR\\SIGMOID"))
    file.put(FUNCTION, "CS", name)
    file.put(CENTRE, "DS", number_text(random))
    file.put(WIDTH, "DS", number_text(random))


def _one(file: DicomFile, random: Random) -> None:
    """Remove, repeat, retag, move or empty one element, or give it another VR or length."""
    place = random.randrange(len(file.elements))
    element = file.elements[place]
    action = random.randrange(8)
    if action == 0:
        del file.elements[place]
    elif action == 1:
        file.elements.insert(place, element)
    elif action == 2:
        element.tag = random.choice(
            (*_NUMBERS, *_TEXTS, 0x7FE00008, 0x7FE00009, 0x7FE00010, 0x00200000, 0xFFFEE000)
        )
    elif action == 3:
        file.elements.insert(random.randrange(len(file.elements)), file.elements.pop(place))
    elif action == 4:
        element.value, element.fragments = b"", None
    elif action == 5:
        element.vr = random.choice(_VRS)
    elif action == 6:
        element.length = random.choice((UNDEFINED, 0, len(element.value) + 1, integer(random, 32)))
    else:
        element.value = random.choice(list(raw.OPERATIONS.values()))(element.value, random)


def _swap(file: DicomFile, random: Random) -> None:
    """Two elements exchange their values: a name stands where a number must be."""
    one, other = random.choice(file.elements), random.choice(file.elements)
    one.value, other.value = other.value, one.value


def _identity(file: DicomFile, random: Random) -> None:
    """A patient's name in an element whose content an error message may quote."""
    name = images.PATIENT.encode() + b" "
    tag = random.choice((
        PHOTOMETRIC, FUNCTION, CENTRE, WIDTH, SLOPE, FRAMES, RESCALE_TYPE, 0x00080016, 0x00080060, 0x00200060,
        0x00200062, 0x00185101, ROWS, STORED, LUT_DESCRIPTOR,
    ))  # fmt: skip
    if random.randrange(6) == 0:
        file.syntax = images.PATIENT
    else:
        file.put(tag, "LO", name)


def _lookup_table(file: DicomFile, random: Random) -> None:
    """A modality or VOI lookup table that may be too short, too long, empty or without a descriptor."""
    entries, first = (
        integer(random, random.choice((8, 16))),
        random.choice((0, 0, 1, 65535, integer(random, 16))),
    )
    descriptor = struct.pack(file.order + "3H", entries, first, random.choice((8, 12, 16, 16, 0, 32)))
    size = random.choice((entries, 2 * entries, 0, 7))
    parts = [
        Element(LUT_DESCRIPTOR, random.choice(("US", "SS")), descriptor[: random.choice((6, 6, 6, 4, 0))]),
        Element(LUT_TYPE, "LO", b"HU"),
        Element(LUT_DATA, random.choice(("OW", "US", "OB")), random.randbytes(size)),
    ]
    if random.randrange(4) == 0:
        del parts[random.randrange(3)]
    items = item(parts, file) * random.choice((1, 1, 2, 0))
    file.put(random.choice((MODALITY_LUT, VOI_LUT)), "SQ", items)


def _palette(file: DicomFile, random: Random) -> None:
    """Palette descriptors and tables, whole or segmented, that may contradict each other."""
    entries, bits = integer(random, random.choice((8, 9, 16))), random.choice((8, 16, 16, 12, 0))
    for colour in range(3):
        if random.randrange(8) == 0:
            entries = integer(random, 16)
        first = random.choice((0, 0, integer(random, 16)))
        file.put(
            0x00281101 + colour,
            random.choice(("US", "SS")),
            struct.pack(file.order + "3H", entries, first, bits),
        )
        size = random.choice((entries, 2 * entries, 2 * entries, 4))
        base = random.choice((0x00281201, 0x00281201, 0x00281201, 0x00281221))
        file.put(base + colour, random.choice(("OW", "OW", "OB", "US")), random.randbytes(size))
    if random.randrange(3):
        file.put(PHOTOMETRIC, "CS", b"PALETTE COLOR ")


def _groups(file: DicomFile, random: Random) -> None:
    """Functional groups (PS3.3 C.7.6.16), shared or per frame, in items of known or unknown length."""
    window = [Element(CENTRE, "DS", number_text(random)), Element(WIDTH, "DS", number_text(random))]
    rescale = [Element(INTERCEPT, "DS", number_text(random)), Element(SLOPE, "DS", number_text(random))]
    length = random.choice((None, UNDEFINED))
    group = [
        Element(0x00289132, "SQ", item(window, file, length) * random.randrange(3)),
        Element(0x00289145, "SQ", item(rescale, file, length) * random.randrange(3)),
    ]
    count = random.choice((0, 1, 2, 3, 1000))
    file.put(random.choice((0x52009229, 0x52009230)), "SQ", item(group, file, length) * count)


def _nest(file: DicomFile, random: Random) -> None:
    """Sequences within sequences."""
    length = random.choice((None, UNDEFINED))
    content = item([Element(CENTRE, "DS", b"1 ")], file, length)
    for _ in range(random.choice((2, 30, 300, 3000))):
        content = item([Element(0x00289132, "SQ", content)], file, length)
        if len(content) > 60_000 and file.implicit is False and length is None:
            break
    file.put(random.choice((VOI_LUT, 0x52009230, 0x00081140)), "SQ", content)


def _syntax(file: DicomFile, random: Random) -> None:
    """Another transfer syntax in the header; the bytes stay what they are."""
    file.syntax = random.choice(SYNTAXES)


def _meta(file: DicomFile, random: Random) -> None:
    """No preamble, no file meta group, parts of it, or a group length that lies."""
    action = random.randrange(4)
    if action < 2:
        file.preamble = b""
    if action in (1, 2):
        file.meta = []
    elif file.meta:
        element = random.choice(file.meta)
        element.value = raw.overwrite(element.value, random)


def _encoding(file: DicomFile, random: Random) -> None:
    """Write the elements as another syntax does, whatever the header says."""
    file.implicit = bool(random.randrange(2))
    if random.randrange(3) == 0:
        file.order = "<" if file.order == ">" else ">"
        for element in file.elements:
            if element.vr in ("US", "SS"):
                swapped = [
                    element.value[place : place + 2][::-1] for place in range(0, len(element.value), 2)
                ]
                element.value = b"".join(swapped)


OPERATIONS: Operations = {
    name: on_file(change)
    for name, change in {
        "number": _number,
        "bits": _bits,
        "sign": _sign,
        "samples": _samples,
        "photometric": _photometric,
        "text": _text,
        "function": _function,
        "element": _one,
        "swap": _swap,
        "identity": _identity,
        "lookup-table": _lookup_table,
        "palette": _palette,
        "groups": _groups,
        "nest": _nest,
        "syntax": _syntax,
        "meta": _meta,
        "encoding": _encoding,
    }.items()
}
