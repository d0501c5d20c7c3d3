"""Hidden and deleted results in lists, and while others change them."""

from typing import Any, cast

import boto3
import pytest

from chalicelib.errors import NotClassified, ResultDeleted, UnknownResult
from chalicelib.results.decisions import Decisions
from chalicelib.results.removal import Removal
from chalicelib.results.result_document import Result, received
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from tests.stage import BUCKET, TABLE
from tests.unit.results.items import classified, ids, walk

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def removal() -> Removal:
    bucket, table = DataBucket(boto3.client("s3"), BUCKET), ResultsTable(boto3.resource("dynamodb"), TABLE)
    for number in range(3):
        stored = Decisions(bucket, table).decide(classified(number, model={"sha256": "x"}))
        table.finish(stored.result)
    return Removal(Decisions(bucket, table), Audit(bucket))


def acts(removal: Removal) -> list[tuple[str, str]]:
    return [(entry["act"], entry["subject"]) for entry in removal.audit.page(9, None)[0]]


def test_hidden_result_is_in_no_list_but_its_own(removal: Removal) -> None:
    table, (image_id,) = removal.decisions.table, ids(1)

    hidden = removal.hide(image_id, "me")

    assert hidden["hidden"] == {"by": "me", "at": cast(Any, hidden["hidden"])["at"]}
    task = hidden["task"]
    assert walk(table) == walk(table, task=task) == ids(2, 0)
    assert walk(table, hidden=True) == walk(table, hidden=True, task=task) == ids(1)
    assert [one["id"] for one in table.every(Selection(task=task))] == ids(2, 0)
    assert len(table.latest(task, "x", 9)) == 2
    assert table.get(image_id) == hidden
    assert table.page(Selection(hidden=True))[0][0]["task"] == task
    assert acts(removal) == [("hide-result", image_id)]


def test_shown_result_is_as_before(removal: Removal) -> None:
    table, (image_id,) = removal.decisions.table, ids(1)
    before = table.get(image_id)
    removal.hide(image_id, "me")

    assert removal.show(image_id, "you") == before

    assert walk(table) == ids(2, 1, 0)
    assert walk(table, hidden=True) == []
    assert acts(removal) == [("show-result", image_id), ("hide-result", image_id)]


def test_hiding_a_hidden_result_changes_nothing(removal: Removal) -> None:
    (image_id,) = ids(1)
    hidden = removal.hide(image_id, "me")

    assert removal.hide(image_id, "you") == hidden
    assert len(acts(removal)) == 1


def test_hide_refuses_images_without_a_result(removal: Removal) -> None:
    waiting = received("a" * 32, "chest-xray", "upload")
    removal.decisions.table.announce(waiting)

    with pytest.raises(NotClassified, match="no result yet"):
        removal.hide(waiting["id"], "me")
    with pytest.raises(UnknownResult):
        removal.hide("b" * 32, "me")
    assert acts(removal) == []


def test_deleted_result_is_in_no_list(removal: Removal) -> None:
    table, (image_id,) = removal.decisions.table, ids(1)

    assert removal.delete(image_id, "me")["status"] == "deleted"
    assert removal.delete(image_id, "me")["status"] == "deleted"

    assert walk(table) == ids(2, 0)
    assert walk(table, hidden=True) == []
    with pytest.raises(ResultDeleted, match="send it again"):
        table.get(image_id)
    with pytest.raises(ResultDeleted):
        removal.hide(image_id, "me")
    assert acts(removal) == [("delete-result", image_id)]


def test_image_that_never_arrived_can_be_deleted(removal: Removal) -> None:
    waiting = received("a" * 32, "chest-xray", "upload")
    removal.decisions.table.announce(waiting)

    assert removal.delete(waiting["id"], "me")["status"] == "deleted"
    with pytest.raises(UnknownResult):
        removal.delete("b" * 32, "me")


def test_deletion_during_a_review_wins(removal: Removal) -> None:
    (image_id,) = ids(1)
    tries: list[str] = []

    def review(result: Result) -> Result:
        tries.append(result["status"])
        if len(tries) == 1:
            removal.delete(image_id, "me")
        if result["status"] == "deleted":
            raise ResultDeleted("gone")
        return result

    with pytest.raises(ResultDeleted):
        removal.decisions.change(image_id, review)
    assert tries == ["classified", "deleted"]
    assert walk(removal.decisions.table) == ids(2, 0)
