"""The results table against a DynamoDB with its indexes."""

import time
from itertools import chain

import boto3
import pytest

from chalicelib.errors import UnknownResult
from chalicelib.results.table import ResultsTable
from tests.stage import TABLE
from tests.unit.results.items import REVIEW, classified, ids, receive, result, reviewed, second, walk

pytestmark = pytest.mark.usefixtures("cloud")


def test_result_is_returned_as_stored(table: ResultsTable) -> None:
    stored = classified(1, probabilities={"left-cc": 0.75, "right-cc": 0.25}, probability=1.0)
    assert table.finish(stored)
    assert table.get(stored["id"]) == stored


def test_unknown_id_is_refused(table: ResultsTable) -> None:
    assert table.find("0" * 32) is None
    with pytest.raises(UnknownResult):
        table.get("0" * 32)


def test_second_arrival_finds_the_first_one(table: ResultsTable) -> None:
    first, second = result(1), result(1, created_at="2027-01-01T00:00:00.000000Z")
    entry, again = receive(table, first)
    assert (entry.result, again) == (first, False)
    entry, again = receive(table, second)
    assert (entry.result, again) == (first, True)


def raw(number: int) -> dict[str, object]:
    item: dict[str, object] = (
        boto3.resource("dynamodb").Table(TABLE).get_item(Key={"id": f"{number:032x}"})["Item"]
    )
    return item


@pytest.mark.parametrize("status", ["classified", "quarantined"])
def test_arrival_after_the_end_returns_the_result(table: ResultsTable, status: str) -> None:
    table.finish(classified(1, status=status))
    entry, again = receive(table, result(1))
    assert (entry.finished, entry.result["status"], again) == (True, status, False)
    assert "unfinished" not in raw(1)


def test_announced_upload_expires_unless_it_arrives(table: ResultsTable) -> None:
    table.announce(result(1, arrival="upload"))
    assert "expires_at" in raw(1)
    assert list(chain.from_iterable(table.unfinished())) == []
    entry, again = receive(table, result(1, arrival="upload"))
    assert (entry.result["arrival"], again) == ("upload", False)
    assert "expires_at" not in raw(1)
    assert [found for found, _ in chain.from_iterable(table.unfinished())] == ids(1)


def test_upload_that_was_given_up_is_not_listed_until_it_arrives(table: ResultsTable) -> None:
    table.announce(result(1, arrival="upload"))
    assert table.page()[0][0].get("uploading")
    table.give_up(ids(1)[0])
    assert walk(table) == []
    entry, _ = receive(table, result(1, arrival="upload"))
    assert "uploading" not in entry.result
    table.give_up(ids(1)[0])
    with pytest.raises(UnknownResult):
        table.give_up(ids(2)[0])
    assert walk(table) == ids(1)
    assert "uploading" not in table.get(ids(1)[0])


def test_announced_upload_without_content_disappears(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB itself may take days to delete it."""
    for number in range(3):
        table.announce(result(number, arrival="upload"))
    assert walk(table) == ids(2, 1, 0)
    later = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert walk(table, limit=2) == walk(table, limit=2, status="received") == []
    assert list(table.every()) == []
    assert table.find(ids(1)[0]) is None
    assert receive(table, result(1))[1] is False
    assert walk(table) == ids(1)


@pytest.mark.parametrize("status", ["received", "classified"])
def test_item_without_status_is_ignored(table: ResultsTable, status: str) -> None:
    table.count_try(ids(1)[0])
    table.begin_change(ids(1)[0], 1)
    assert "Item" not in boto3.resource("dynamodb").Table(TABLE).get_item(Key={"id": ids(1)[0]})
    stub = {"id": ids(1)[0], "tries": 1, "listing": "all", "created_at": second(1), "task": "chest-xray"}
    boto3.resource("dynamodb").Table(TABLE).put_item(Item=stub)
    assert walk(table) == walk(table, task="chest-xray") == []
    assert table.find(ids(1)[0]) is None
    assert table.progress(ids(1)) == {}
    if status == "received":
        assert receive(table, result(1))[1] is False
    else:
        assert table.finish(classified(1))
    assert table.get(ids(1)[0])["status"] == status


def test_only_the_first_finish_counts(table: ResultsTable) -> None:
    receive(table, result(1))
    assert table.finish(classified(1))
    assert "unfinished" not in raw(1)
    assert not table.finish(classified(1, label="right-cc"))
    assert table.get(result(1)["id"])["label"] == "left-cc"


def test_change_is_marked_until_it_ends(table: ResultsTable) -> None:
    table.finish(classified(1))
    table.begin_change(ids(1)[0], 1)
    (found,) = chain.from_iterable(table.unfinished())
    assert found[0] == ids(1)[0]
    assert table.end_change(reviewed(1), 1)
    assert table.get(ids(1)[0])["review"] == REVIEW
    assert list(chain.from_iterable(table.unfinished())) == []


def test_later_change_wins_whichever_ends_first(table: ResultsTable) -> None:
    table.finish(classified(1))
    for revision in (1, 2):
        table.begin_change(ids(1)[0], revision)
    assert not table.end_change(reviewed(1), 1)  # the second one's mark must stay until its end
    assert table.end_change(classified(1), 2)
    assert not table.end_change(reviewed(1), 1)
    assert table.get(ids(1)[0])["review"] is None
    assert list(chain.from_iterable(table.unfinished())) == []


def test_repeated_ids_are_requested_once(table: ResultsTable) -> None:
    receive(table, result(1))
    assert len(table.progress([result(1)["id"]] * 3)) == 1


def test_progress_of_many_images_is_returned(table: ResultsTable) -> None:
    """One request to DynamoDB takes a hundred keys."""
    for number in (4, 150):
        receive(table, result(number))
    table.finish(classified(3))
    assert table.progress(ids(*range(200))) == {
        ids(3)[0]: ("classified", False),
        ids(4)[0]: ("received", True),
        ids(150)[0]: ("received", True),
    }


def test_tries_are_counted_while_there_is_no_result(table: ResultsTable) -> None:
    receive(table, result(1))
    for _ in range(2):
        table.count_try(ids(1)[0])
    entry = table.entry(ids(1)[0])
    assert entry
    assert entry.tries == 2
    table.finish(classified(1))
    table.count_try(ids(1)[0])
    assert "tries" not in raw(1)


def test_unfinished_images_are_listed_oldest_first(table: ResultsTable) -> None:
    for number in range(10):
        receive(table, result(number << 124))
    series = [list(one) for one in table.unfinished()]
    assert sorted(len(one) for one in series) == [2, 2, 3, 3]  # the partitions share the images
    assert all(one == sorted(one, key=lambda entry: entry[1]) for one in series)


def test_result_without_a_document_is_unfinished_until_it_has_one(table: ResultsTable) -> None:
    stored, reviewed_meanwhile = classified(1), classified(2)
    for one in (stored, reviewed_meanwhile):
        assert table.finish(one, documented=False)
        entry = table.entry(one["id"])
        assert entry
        assert entry.lacks_document
    table.begin_change(reviewed_meanwhile["id"], 1)

    for one in (stored, reviewed_meanwhile):
        table.mark_documented(one["id"])

    assert [found for found, _ in chain.from_iterable(table.unfinished())] == ids(2)
    assert table.get(stored["id"]) == stored
    assert table.end_change(reviewed_meanwhile, 1)
    table.mark_documented(reviewed_meanwhile["id"])
    assert list(chain.from_iterable(table.unfinished())) == []
