"""The command that rebuilds the results table and lost documents."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import pytest

from chalicelib.models.review_rule import Reason
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions
from chalicelib.results.reading import Review
from chalicelib.results.result_document import Result
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from deploy import restore
from tests.stage import BUCKET, TABLE
from tests.unit.deploy.commands import REFUSALS

pytestmark = pytest.mark.usefixtures("cloud")


@cache
def decisions() -> Decisions:
    """Made once for all tests, because making its AWS clients takes longer than most tests."""
    table = ResultsTable(boto3.resource("dynamodb"), TABLE)
    return Decisions(DataBucket(boto3.client("s3"), BUCKET), table)


def decided(number: int) -> Result:
    result = result_document.received(f"{number:032x}", "chest-xray", "api") | {
        "status": result_document.CLASSIFIED
    }
    found = decisions().decide(result)
    decisions().table.finish(found.result)
    return found.result


def restored() -> Any:
    bucket, table = decisions().bucket, decisions().table
    return restore.run(bucket, table)


def counts(report: Any) -> tuple[int, int, int]:
    return report.documents, report.written, report.replaced


REVIEW: Review = {"label": "normal", "comment": None, "reviewed_at": "then", "reviewer": "me"}


def forget(result: Result) -> None:
    boto3.resource("dynamodb").Table(TABLE).delete_item(Key={"id": result["id"]})


def test_restore_rebuilds_a_lost_table_and_keeps_newer_items() -> None:
    lost, changed, kept = decided(1), decided(2), decided(3)
    changed = decisions().change(changed["id"], lambda result: result | {"review": REVIEW})
    for result in (lost, changed):
        forget(result)

    assert counts(restored()) == (3, 2, 0)
    assert counts(restored()) == (3, 0, 0)

    table = decisions().table
    assert [table.get(result["id"]) for result in (lost, changed, kept)] == [lost, changed, kept]
    # Changes go on where they were.
    again = decisions().change(changed["id"], lambda result: result | {"review": None})
    assert table.get(changed["id"]) == again


def test_restore_ignores_a_document_older_than_the_table() -> None:
    result = decided(1)
    reviewed = result | {"review": REVIEW}
    decisions().table.end_change(reviewed, 1)
    assert counts(restored()) == (1, 0, 0)
    assert decisions().table.get(result["id"]) == reviewed


def test_restore_writes_a_missing_document_from_the_table() -> None:
    """Earlier versions of this application wrote the table first, and sometimes no document."""
    whole, lost, waiting = (
        decided(1),
        decided(2),
        result_document.received(f"{3:032x}", "chest-xray", "upload"),
    )
    decisions().table.announce(waiting)
    decisions().bucket.delete(result_document.key(lost))

    assert counts(restored()) == (1, 0, 1)
    assert counts(restored()) == (2, 0, 0)

    found = decisions().find(lost)
    assert found
    assert found.result == lost
    assert decisions().find(waiting) is None, "it has not been decided"
    assert decisions().table.get(whole["id"]) == whole


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": "1", "task": "chest-xray"}'])
def test_restore_names_objects_that_are_not_documents(body: bytes) -> None:
    lost, key = decided(1), f"results/chest-xray/{2:032x}.json"
    forget(lost)
    decisions().bucket.write(key, body, "application/json")

    report = restored()

    assert counts(report) == (1, 1, 0)
    assert report.unreadable == [key]
    assert decisions().bucket.read(key).body == body


def test_restore_leaves_an_interrupted_quarantine_to_the_sweep() -> None:
    """The sweep moves the file before it removes the mark by which it finds it."""
    result = result_document.received(f"{1:032x}", "chest-xray", "drop-folder")
    decisions().table.receive(result, {"Records": []})
    decisions().decide(result_document.quarantined(result, Reason("NotAnImage", "It is not an image.")))

    assert counts(restored()) == (1, 0, 0)

    entry = decisions().table.entry(result["id"])
    assert entry
    assert entry.unfinished_since


def test_restore_refuses_a_stage_that_was_never_deployed(refusal: Callable[..., str]) -> None:
    assert "The stage nowhere has not been deployed" in refusal("restore", "nowhere")


@REFUSALS
def test_restore_exits_with_a_message(
    refusal: Callable[..., str], stage: str, environment: dict[str, str], reason: str
) -> None:
    assert reason in refusal("restore", stage, **environment)
