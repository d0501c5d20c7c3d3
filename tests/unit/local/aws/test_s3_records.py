"""Records of objects and versions: as ministack's own dictionaries, but not in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ministack.core.responses import AccountScopedDict
from ministack.services import s3

from local.aws import s3_records
from local.aws.s3_records import MAX_RECORDS, RecordFile, Records

BUCKET = "negatoscope-records"
KEYS = st.text("ab/é\uffff\U0001f600", max_size=6)
SHARED_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example has records of its own in the file."""


@pytest.fixture
def file(tmp_path: Path) -> RecordFile:
    return RecordFile(tmp_path / "records.sqlite")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The objects of a bucket with versions, in an emulator that keeps records in a file."""
    for name in ("_create_bucket", "_restore_state", "_collect_list_entries"):
        monkeypatch.setattr(s3, name, getattr(s3, name))  # is restored at the end
    monkeypatch.setattr(s3, "_buckets", AccountScopedDict())
    monkeypatch.setattr(s3, "_object_versions", AccountScopedDict())
    monkeypatch.setattr(s3_records, "MAX_RECORDS", 2)
    s3._create_bucket("existing", b"", {})
    s3._put_object("existing", "old", b"old", {})
    s3_records.install(tmp_path / "records.sqlite")
    s3._create_bucket(BUCKET, b"", {})
    s3._bucket_versioning[BUCKET] = "Enabled"
    yield s3._buckets[BUCKET]["objects"]
    del s3._bucket_versioning[BUCKET]


@SHARED_FILE
@given(
    changes=st.lists(st.tuples(KEYS, st.sampled_from(["set", "change", "delete"])), max_size=30),
    kept=st.integers(1, 3),
)
def test_records_are_a_dictionary_in_the_order_of_keys(
    file: RecordFile, changes: list[tuple[str, str]], kept: int
) -> None:
    records, expected = Records(file), dict[str, Any]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3_records, "MAX_RECORDS", kept)
        for number, (key, change) in enumerate(changes):
            if change == "set":
                records[key], expected[key] = {"size": number}, {"size": number}
            elif change == "delete":
                assert records.pop(key, None) == expected.pop(key, None)
            elif key in expected:
                records[key]["tags"] = expected[key]["tags"] = [number]
            assert (key in records) == (key in expected)
        assert list(records.items()) == sorted(expected.items())
        assert len(records) == len(expected)
        assert bool(records) == bool(expected)


@SHARED_FILE
@given(
    keys=st.sets(KEYS.filter(bool), max_size=12),
    prefix=KEYS,
    delimiter=st.sampled_from(["", "/", "a/"]),
    most=st.integers(0, 4),
    start_after=KEYS,
)
def test_pages_are_those_of_ministack(
    file: RecordFile, keys: set[str], prefix: str, delimiter: str, most: int, start_after: str
) -> None:
    records = Records(file)
    records.update(dict.fromkeys(keys))
    own = s3._collect_list_entries
    wanted = own(dict.fromkeys(keys), prefix, delimiter, most, start_after)
    assert s3_records.listing(own)(records, prefix, delimiter, most, start_after) == wanted


@pytest.mark.parametrize(("least", "first"), [("", "a"), ("a", "a"), ("a\0", "b"), ("c", None)])
def test_first_key(file: RecordFile, least: str, first: str | None) -> None:
    records = Records(file)
    records.update(a=1, b=2)
    assert records.first(least) == first


def test_objects_and_versions_are_read_as_they_were_written(bucket: Any) -> None:
    for content in (b"first", b"second"):
        for name in "abcd":
            s3._put_object(BUCKET, f"images/{name}", content, {"content-type": "image/png"})
    s3._delete_object(BUCKET, "images/d", {})
    assert isinstance(bucket, Records)
    assert list(bucket) == [f"images/{name}" for name in "abc"]
    for key in bucket:
        status, headers, body = s3._get_object(BUCKET, key, {})
        assert (status, headers["Content-Type"], body) == (200, "image/png", b"second")
    for name, sizes in (("a", [5, 6]), ("d", [5, 6, 0])):
        versions = s3._object_versions[BUCKET, f"images/{name}"]
        assert [version["size"] for version in versions] == sizes
        assert [version["is_latest"] for version in versions] == [*[False] * (len(sizes) - 1), True]
    _, _, listed = s3._list_objects_v2(BUCKET, {"prefix": ["images/"], "max-keys": ["2"]})
    assert listed.count(b"<Key>") == 2
    assert b"<IsTruncated>true" in listed
    assert {key for _, key in s3._object_versions} == {f"images/{name}" for name in "abcd"}


@pytest.mark.usefixtures("bucket")
def test_objects_that_were_there_before_stay() -> None:
    objects = s3._buckets["existing"]["objects"]
    assert isinstance(objects, Records)
    assert objects["old"]["size"] == 3
    s3._put_object("existing", "new", b"new", {})
    assert list(objects) == ["new", "old"]
    s3._delete_object("existing", "old", {})
    assert list(objects) == ["new"]


@pytest.mark.usefixtures("bucket")
def test_bucket_is_deleted_when_it_is_empty() -> None:
    s3._put_object("existing", "new", b"new", {})
    for key in ("old", "new"):
        assert s3._delete_bucket("existing")[0] == 409
        s3._delete_object("existing", key, {})
    assert s3._delete_bucket("existing")[0] == 204


def test_records_take_no_memory(file: RecordFile) -> None:
    """In memory, the record of an object takes 1.5 kB."""
    records = Records(file)

    def add(number: int) -> None:
        records[f"results/{number:06d}.json"] = {name: f"{name} of {number}" for name in "abcdefghij"}

    for number in range(MAX_RECORDS):
        add(number)
    tracemalloc.start()
    try:
        for number in range(MAX_RECORDS, 2 * MAX_RECORDS):
            add(number)
        before, _ = tracemalloc.get_traced_memory()
        for number in range(2 * MAX_RECORDS, 4 * MAX_RECORDS):
            add(number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / (2 * MAX_RECORDS) < 50
