"""Retrainings and locks in the table."""

import boto3
import pytest

from chalicelib.errors import InvalidRequest, UnknownRetraining
from chalicelib.retraining.repository import Journal
from tests.stage import RETRAININGS_TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def journal() -> Journal:
    return Journal(boto3.resource("dynamodb"), RETRAININGS_TABLE)


def begin(journal: Journal, number: int) -> str:
    name = f"chest-xray-{number}"
    entry = {"name": name, "task": "chest-xray", "started_at": f"2026-01-0{number}", "trials": 0}
    journal.begin(entry | {"status": "running", "share": 0.25})
    return name


def test_what_is_noted_of_a_retraining_is_read_again(journal: Journal) -> None:
    name = begin(journal, 1)

    journal.note(name, status="failed", smoke_test={"slowest_ms": 1.5}, task_token="secret")

    assert journal.get(name) == {
        "name": name,
        "task": "chest-xray",
        "started_at": "2026-01-01",
        "status": "failed",
        "trials": 0,
        "share": 0.25,
        "smoke_test": {"slowest_ms": 1.5},
    }
    assert isinstance(journal.get(name)["trials"], int)
    assert journal.token(name) == "secret"
    with pytest.raises(UnknownRetraining):
        journal.get("another")


def test_retrainings_are_listed_newest_first_page_by_page_and_without_locks(journal: Journal) -> None:
    names = [begin(journal, number) for number in (2, 3, 1)]
    journal.lock("chest-xray", "execution")

    page, cursor = journal.page(2, None)
    rest, end = journal.page(2, cursor)

    assert [entry["name"] for entry in page + rest] == [names[1], names[0], names[2]]
    assert end is None
    for wrong in ("x", "e30="):
        with pytest.raises(InvalidRequest, match="cursor"):
            journal.page(2, wrong)


def test_a_task_is_locked_for_one_execution(journal: Journal) -> None:
    assert journal.lock("chest-xray", "first") is None
    assert journal.lock("chest-xray", "first") is None  # a step that is repeated
    assert journal.lock("chest-xray", "second") == "first"
    assert journal.lock("retinal-oct", "second") is None
    journal.release("chest-xray", "second")
    assert journal.holder("chest-xray") == "first"
    journal.release("chest-xray", "first")
    assert journal.holder("chest-xray") is None
    assert journal.lock("chest-xray", "second") is None
