"""Lengths and numbers of elements are checked before anything is parsed."""

from struct import pack

import pytest

from chalicelib import errors
from chalicelib.imaging.dicom import element_reader
from tests.unit.imaging.dicom.samples import ITEM, ITEM_END, NUMBER, SEQUENCE, SEQUENCE_END, corners, inserted


def test_length_beyond_the_end_is_named() -> None:
    with pytest.raises(errors.InvalidImage, match=r"\(0021,0010\) of this DICOM file claims 4,000,000,000 b"):
        corners(inserted(pack("<HH2sHI", 0x21, 0x10, b"OB", 0, 4_000_000_000)))


def test_number_of_elements_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(element_reader, "_MAX_ELEMENTS", 1_000)
    data = inserted(SEQUENCE + (ITEM + NUMBER + ITEM_END) * 1_000 + SEQUENCE_END)
    with pytest.raises(errors.InvalidImage, match="more than 1,000 elements"):
        corners(data)
