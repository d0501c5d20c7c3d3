"""A version of a model as one file, also one that an enemy made."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import InvalidModelPackage
from chalicelib.models import archive
from chalicelib.models.archive import ARCHIVE, pack, unpack
from deploy import model_file
from deploy.model_file import MANIFEST, RECORD
from tests.models import TASK, VERSION, write_package

RECORDED = {"origin": "retraining", "run": "r-1", "decision": {"accepted": True, "reasons": ["Better."]}}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """The files of a package, with the code that an endpoint would run."""
    folder = write_package(tmp_path / "package")
    packed = {name: (folder / name).read_bytes() for name in ("model.json", "model.onnx")}
    return {**packed, "card.md": b"# Card", "plots/roc.svg": b"<svg/>", "code/inference.py": b"import os"}


def exported(files: dict[str, bytes], record: Any = RECORDED, version: str = VERSION) -> bytes:
    return model_file.write(TASK, version, pack(files), record, "test")


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def joined(parts: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in extra:
            tar.addfile(entry)
    return buffer.getvalue()


def test_exported_version_is_read_again_without_code(files: dict[str, bytes]) -> None:
    found = model_file.read(exported(files))

    assert (found.task.name, found.version, found.source["stage"]) == (TASK, VERSION, "test")
    assert found.record == RECORDED
    assert found.facts == json.loads(files["model.json"])
    kept = {name: content for name, content in files.items() if not name.startswith("code/")}
    assert unpack(found.archive, lambda _: True) == kept


def manifest(**changes: Any) -> Callable[[dict[str, bytes]], bytes]:
    def change(files: dict[str, bytes]) -> bytes:
        parts = members(exported(files))
        parts[MANIFEST] = json.dumps(json.loads(parts[MANIFEST]) | changes).encode()
        return joined(parts)

    return change


def facts(**changes: Any) -> Callable[[dict[str, bytes]], bytes]:
    def change(files: dict[str, bytes]) -> bytes:
        described = json.loads(files["model.json"]) | changes
        changed = {**files, "model.json": json.dumps(described).encode()}
        return exported(changed, version=changes.get("version", VERSION))

    return change


def graph(content: bytes) -> Callable[[dict[str, bytes]], bytes]:
    return lambda files: facts(sha256=hashlib.sha256(content).hexdigest())({**files, "model.onnx": content})


def part(name: str, content: bytes) -> Callable[[dict[str, bytes]], bytes]:
    return lambda files: joined({**members(exported(files)), name: content})


def without(name: str) -> Callable[[dict[str, bytes]], bytes]:
    def change(files: dict[str, bytes]) -> bytes:
        parts = members(exported(files))
        del parts[name]
        return joined(parts)

    return change


def entry(kind: bytes, name: str = RECORD) -> Callable[[dict[str, bytes]], bytes]:
    special = tarfile.TarInfo(name)
    special.type, special.linkname = kind, "/etc/passwd"
    return lambda files: joined(members(exported(files)), special)


@pytest.mark.parametrize(
    ("enemy", "reason"),
    [
        (lambda _: b"", "cannot be read"),
        (lambda _: b"PK\3\4" * 1000, "cannot be read"),
        (lambda files: exported(files)[:3000], "cannot be read|lacks"),
        (part("../../etc/cron.d/x", b"x"), "an unexpected, repeated or oversized member"),
        (part("extra.txt", b"x"), "an unexpected, repeated or oversized member"),
        (part(MANIFEST, b" " * 10_001), "an unexpected, repeated or oversized member"),
        (entry(tarfile.SYMTYPE), "an unexpected, repeated or oversized member"),
        (entry(tarfile.DIRTYPE, "models"), "an unexpected, repeated or oversized member"),
        (entry(tarfile.REGTYPE), "an unexpected, repeated or oversized member"),  # twice the same name
        (without(MANIFEST), f"lacks {MANIFEST}"),
        (without(ARCHIVE), f"lacks {ARCHIVE}"),
        (part(RECORD, b"{}"), "has changed since the export"),
        (part(ARCHIVE, gzip.compress(b"")), "has changed since the export"),
        (part(MANIFEST, b"[" * 5000), "is not a JSON object"),
        (part(MANIFEST, b"[]"), "is not a JSON object"),
        (manifest(format="zip"), "does not say"),
        (manifest(sha256="x"), "has changed since the export"),
        (manifest(task="feet"), "an unknown task"),
        (manifest(task="chest-xray"), "other classes"),
        (manifest(version="2"), "version"),
        (manifest(stage="../prod"), "'stage'"),
        (manifest(exported_at="<b>"), "'exported_at'"),
        (facts(version="../../models"), "version"),
        (facts(version=7), "version"),
        (facts(classes=["a", "b"]), "other classes"),
        (facts(task="chest-xray"), "for another task than mammography-views"),
        (facts(input={"width": 1, "height": 1, "channels": 1, "fit": "pad"}), "grey images of 1 x 1 pixels"),
        (facts(created_at="yesterday"), "cannot be used"),
        (facts(metrics={}), "cannot be used"),
        (facts(metrics={"test": {"accuracy": "good"}}), "cannot be used"),
        (facts(thresholds=None), "cannot be used"),
        (facts(sha256="0" * 64), "sha256 differs"),
        (graph(b""), "cannot be used"),
        (graph(b"\x08\x09" * 500), "cannot be used"),
        (lambda files: exported({"card.md": b"x"}), "lacks model.json"),
        (lambda files: exported(files | {"card.md": b" " * 4_000_001}), "card.md: larger than"),
        (lambda files: exported(files, {"decision": "yes"}), "decision"),
        (lambda files: exported(files, {"decision": {"accepted": "yes", "reasons": []}}), "decision"),
        (lambda files: exported(files, {"decision": {"accepted": True, "reasons": [1]}}), "decision"),
    ],
)
def test_files_that_an_enemy_made_are_refused(
    files: dict[str, bytes], enemy: Callable[[dict[str, bytes]], bytes], reason: str
) -> None:
    with pytest.raises(InvalidModelPackage, match=reason):
        model_file.read(enemy(files))


def test_package_that_blows_up_is_refused(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1_000_000)
    bomb = exported({**files, "unused": bytes(1_000_000)})
    assert len(bomb) < 100_000
    with pytest.raises(InvalidModelPackage, match="larger than 1,000,000 bytes"):
        model_file.read(bomb)


def test_large_file_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_BYTES", 10)
    with pytest.raises(InvalidModelPackage, match="larger than 10 bytes"):
        model_file.read(bytes(11))
