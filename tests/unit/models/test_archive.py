"""model.tar.gz: packed and unpacked."""

import random
from pathlib import Path

import pytest

from chalicelib.errors import InvalidModelPackage
from chalicelib.models import archive
from chalicelib.models.archive import MAX_BYTES, content_type, is_shown, pack, package_files, unpack

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


def test_same_files_give_the_same_archive() -> None:
    assert pack(dict(reversed(FILES.items()))) == ARCHIVE


def test_large_file_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(map(len, FILES.values())) < MAX_BYTES
    monkeypatch.setattr(archive, "MAX_BYTES", 39_999)

    assert unpack(ARCHIVE, lambda _: True).keys() == {"model.json"}


def test_archive_that_blows_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(InvalidModelPackage, match="larger than 1,000,000 bytes when it is unpacked"):
        unpack(pack({"unused": bytes(1_000_000)}), "model.json".__eq__)


def test_package_has_only_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    for name in ("model.onnx", "model.json", "card.md", "plots/roc.svg", "plots/roc.csv", "notes.txt"):
        (tmp_path / name).write_text(name)

    assert package_files(tmp_path) == {
        name: name.encode() for name in ("model.onnx", "model.json", "card.md", "plots/roc.svg")
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.json", "application/json"),
        ("card.md", "text/markdown; charset=utf-8"),
        ("plots/roc.svg", "image/svg+xml"),
    ],
)
def test_shown_file_has_a_content_type(name: str, content: str) -> None:
    assert is_shown(name)
    assert content_type(name) == content


@pytest.mark.parametrize(
    "name", ["model.onnx", "plots/evil.html", "roc.svg", "x/plots/roc.svg", "code/card.md"]
)
def test_other_files_are_not_shown(name: str) -> None:
    assert not is_shown(name)
