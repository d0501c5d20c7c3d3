"""Reading the stored model versions."""

import json

import pytest

from chalicelib.errors import UnknownModel
from chalicelib.models.registry import Registry
from chalicelib.models.version_store import VersionStore, record_key
from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import StorageFailed
from tests.models import TASK
from tests.registry import archive, facts


def test_only_listed_files_are_shown(registry: Registry) -> None:
    registry.add(TASK, archive("1"), {})
    assert registry.shown(TASK, "1", "card.md") == b"# Card"
    assert registry.shown(TASK, "1", "plots/roc.svg") == b"<svg/>"
    assert registry.facts(TASK, "1")["version"] == "1"
    for version, name in [
        ("1", "record.json"),
        ("1", "model.tar.gz"),
        ("1", "plots/x.svg"),
        ("2", "card.md"),
    ]:
        with pytest.raises(UnknownModel, match="or it has no file"):
            registry.shown(TASK, version, name)


def test_missing_version_is_distinguished_from_access_denied(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers "access denied" in both cases to roles that may list only models/."""
    registry.add(TASK, archive("1"), {})

    def deny(*_: object) -> StoredObject:
        raise StorageFailed("GetObject: AccessDenied")

    monkeypatch.setattr(DataBucket, "read", deny)
    assert registry.current(TASK) is None
    with pytest.raises(UnknownModel):
        registry.record(TASK, "2")
    with pytest.raises(StorageFailed):
        registry.record(TASK, "1")


def test_stored_version_is_read(registry: Registry, bucket: DataBucket) -> None:
    packed = archive("1")
    record = registry.add(TASK, packed, {})
    store = VersionStore(bucket)

    assert store.archive(TASK, "1") == packed
    assert store.facts(TASK, "1") == facts("1")
    assert store.record(TASK, "1") == record
    assert json.loads(bucket.read(record_key(TASK, "1")).body) == record


def test_unknown_version_is_named(registry: Registry, bucket: DataBucket) -> None:
    registry.add(TASK, archive("1"), {})
    store = VersionStore(bucket)

    for read in (store.archive, store.archive_link, store.record):
        with pytest.raises(UnknownModel, match=f"no model '2' for {TASK}"):
            read(TASK, "2")
    with pytest.raises(UnknownModel, match="no model '2'"):
        store.facts(TASK, "2")


def test_archive_link_leads_to_the_archive(registry: Registry, bucket: DataBucket) -> None:
    registry.add(TASK, archive("1"), {})

    link = VersionStore(bucket).archive_link(TASK, "1")

    assert f"/models/{TASK}/1/model.tar.gz?" in link
    assert "Expires" in link
