"""Documents with several writers: no change is lost or made twice."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.storage import documents as module
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.documents import MAX_ATTEMPTS, Document, Documents
from chalicelib.storage.errors import ObjectChanged, ObjectMissing, StorageFailed
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
KEY = "models/task/current.json"


@pytest.fixture
def bucket() -> DataBucket:
    return DataBucket(boto3.client("s3"), BUCKET)


@pytest.fixture
def documents(bucket: DataBucket, monkeypatch: pytest.MonkeyPatch) -> Documents:
    monkeypatch.setattr(module, "MAX_PAUSE_SECONDS", 0)
    return Documents(bucket)


def add(name: str) -> Callable[[Document | None], Document]:
    return lambda before: {**(before or {}), name: len(before or {})}


def test_document_is_created_and_changed(documents: Documents) -> None:
    with pytest.raises(ObjectMissing):
        documents.read(KEY)

    assert documents.change(KEY, add("a")) == {"a": 0}
    assert documents.change(KEY, add("b")) == {"a": 0, "b": 1} == documents.read(KEY)


@pytest.mark.parametrize("exists", [False, True])
def test_overtaken_change_starts_from_the_current_document(documents: Documents, exists: bool) -> None:
    if exists:
        documents.change(KEY, lambda _: {"first": True})
    seen: list[Document | None] = []

    def overtaken(before: Document | None) -> Document:
        seen.append(before)
        if len(seen) == 1:
            documents.change(KEY, add("other"))
        return add("own")(before)

    changed = documents.change(KEY, overtaken)

    assert len(seen) == 2
    assert {"own", "other"} <= changed.keys()
    assert documents.read(KEY) == changed


def test_overtaken_change_may_be_abandoned(documents: Documents) -> None:
    def only_first(before: Document | None) -> Document:
        if before:
            raise ValueError("too late")
        documents.change(KEY, add("other"))
        return {"own": True}

    with pytest.raises(ValueError, match="too late"):
        documents.change(KEY, only_first)

    assert documents.read(KEY) == {"other": 0}


def test_write_with_a_lost_answer_counts_once(
    documents: Documents, bucket: DataBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The AWS library repeats it, and S3 refuses the repetition."""
    replace = DataBucket.replace_json

    def lose_the_answer(*arguments: Any) -> None:
        replace(*arguments)
        replace(*arguments)

    monkeypatch.setattr(DataBucket, "replace_json", lose_the_answer)
    documents.change(KEY, add("a"))

    documents.change(KEY, add("b"))

    assert documents.read(KEY) == {"a": 0, "b": 1}


def test_change_that_is_always_overtaken_fails(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def overtaken(*_: Any) -> None:
        attempts.append(1)
        raise ObjectChanged

    monkeypatch.setattr(DataBucket, "replace_json", overtaken)

    with pytest.raises(StorageFailed, match="changed the document"):
        documents.change(KEY, add("a"))

    assert len(attempts) == MAX_ATTEMPTS


def test_unchanged_document_is_not_written(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    documents.change(KEY, lambda _: {"a": 1})
    monkeypatch.setattr(DataBucket, "replace_json", None)

    assert documents.change(KEY, lambda _: {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_failed_conditions_are_distinguished_from_failures(
    bucket: DataBucket, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    answers = [code, "SlowDown"]

    def put_object(**request: Any) -> None:
        assert request["IfMatch"] == '"e"'
        raise ClientError({"Error": {"Code": answers.pop(0), "Message": "models/of/somebody"}}, "PutObject")

    monkeypatch.setattr(bucket._client, "put_object", put_object)

    with pytest.raises(ObjectChanged):
        bucket.replace_json(KEY, {}, "e", {})
    with pytest.raises(StorageFailed, match=r"^PutObject: SlowDown$"):
        bucket.replace_json(KEY, {}, "e", {})
