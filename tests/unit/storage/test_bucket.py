"""The data bucket."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import AccessDenied, ObjectMissing, StorageFailed
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def bucket() -> DataBucket:
    return DataBucket(boto3.client("s3"), BUCKET)


def test_written_object_can_be_read(bucket: DataBucket) -> None:
    bucket.write("inbox/a b+c é.txt", b"body", "text/plain", {"fact": "1"})
    stored = bucket.read("inbox/a b+c é.txt")
    assert (stored.body, stored.metadata) == (b"body", {"fact": "1"})


def test_lines_are_read_whole_whatever_their_length(bucket: DataBucket) -> None:
    lines = [b"", b"\xc3\xa9" * 300_000, b"x" * 1_100_000, b"last"]
    bucket.write("results.jsonl", b"\n".join(lines), "application/jsonl")
    assert list(bucket.lines("results.jsonl")) == lines


def test_missing_object_is_reported(bucket: DataBucket) -> None:
    with pytest.raises(ObjectMissing):
        bucket.read("nothing")
    with pytest.raises(ObjectMissing):
        list(bucket.lines("nothing"))
    with pytest.raises(ObjectMissing):
        bucket.copy("nothing", "elsewhere")


def test_object_in_another_version_counts_as_missing(bucket: DataBucket) -> None:
    bucket.write("key", b"old", "text/plain")
    etag = boto3.client("s3").head_object(Bucket=BUCKET, Key="key")["ETag"].strip('"')
    assert bucket.read("key", etag).body == b"old"
    bucket.write("key", b"new", "text/plain")
    with pytest.raises(ObjectMissing):
        bucket.read("key", etag)


def test_refusal_names_no_key() -> None:
    client = boto3.client("s3")
    key = "inbox/mammography-views/Jane Doe.dcm"
    with Stubber(client) as stub:
        stub.add_client_error(
            "get_object", "AccessDenied", f"no identity-based policy allows s3:GetObject on {key}", 403
        )
        with pytest.raises(AccessDenied) as caught:
            DataBucket(client, BUCKET).read(key)
    assert str(caught.value) == "GetObject: AccessDenied"
    assert caught.value.__suppress_context__


def test_inbox_lists_every_object_but_folders(bucket: DataBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # S3 has a thousand per page
    for number in range(15):
        bucket.write(f"inbox/task/{number}", b"x", "text/plain")
    bucket.write("inbox/task/folder/", b"", "text/plain")
    bucket.write("prepared/other", b"x", "text/plain")
    pages = list(bucket.inbox())
    assert [len(page) for page, _ in pages] == [10, 5]
    assert [len(page) for page, _ in bucket.inbox(after=pages[0][1])] == [5]


def test_exists_uses_a_list(bucket: DataBucket) -> None:
    bucket.write("models/a/current.json", b"{}", "application/json")
    assert bucket.exists("models/a/current.json")
    assert not bucket.exists("models/a/current")


def test_unreachable_storage_names_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("s3")
    error = EndpointConnectionError(endpoint_url="https://s3/inbox/Jane-Doe.png")

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(client, "get_object", fail)
    with pytest.raises(StorageFailed, match="EndpointConnectionError") as caught:
        DataBucket(client, BUCKET).read("inbox/Jane-Doe.png")
    assert "Jane" not in str(caught.value)
    assert caught.value.__suppress_context__
