"""model.tar.gz: a damaged archive is refused as a whole."""

import random

import pytest

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.archive import pack, unpack

FILES = {"model.json": b'{"task": "x"}' * 50, "model.onnx": random.Random(5).randbytes(40_000)}
ARCHIVE = pack(FILES)
"""Its last eight bytes are checksum and length, after several blocks of zeros at the end of the tar file."""


def test_packed_files_are_unpacked() -> None:
    assert unpack(ARCHIVE, lambda _: True) == FILES
    assert unpack(ARCHIVE, "model.json".__eq__).keys() == {"model.json"}


@pytest.mark.parametrize("lost", [1, 4, 8, 9, 15, 100, 20_000])
def test_truncated_archive_is_refused(lost: int) -> None:
    with pytest.raises(InvalidModelPackage, match="cannot be unpacked"):
        unpack(ARCHIVE[:-lost], lambda _: True)


@pytest.mark.parametrize("place", [-1, -4, -5, -8, -200, -20_000])
def test_changed_bits_are_detected(place: int) -> None:
    changed = bytearray(ARCHIVE)
    changed[place] ^= 0x40
    with pytest.raises(InvalidModelPackage, match="cannot be unpacked"):
        unpack(bytes(changed), lambda _: True)
