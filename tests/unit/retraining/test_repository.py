"""Retrainings and locks in the table."""

from typing import cast

import boto3
import pytest

from chalicelib.errors import InvalidRequest, UnknownRetraining
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.retraining.repository import RetrainingRepository
from tests.stage import RETRAININGS_TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def repository() -> RetrainingRepository:
    return RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)


def create(repository: RetrainingRepository, number: int) -> str:
    name = f"chest-xray-{number}"
    record = {"name": name, "task": "chest-xray", "started_at": f"2026-01-0{number}", "trials": 0}
    repository.create(cast(RetrainingRecord, {**record, "status": "running", "share": 0.25}))
    return name


def test_update_is_read_again(repository: RetrainingRepository) -> None:
    name = create(repository, 1)

    repository.update(name, status="failed", smoke_test={"slowest_ms": 1.5}, task_token="secret")

    assert repository.get(name) == {
        "name": name,
        "task": "chest-xray",
        "started_at": "2026-01-01",
        "status": "failed",
        "trials": 0,
        "share": 0.25,
        "smoke_test": {"slowest_ms": 1.5},
    }
    assert isinstance(repository.get(name)["trials"], int)
    assert repository.token(name) == "secret"
    with pytest.raises(UnknownRetraining):
        repository.get("another")


def test_page_has_the_newest_retrainings_and_no_locks(
    repository: RetrainingRepository,
) -> None:
    names = [create(repository, number) for number in (2, 3, 1)]
    repository.lock("chest-xray", "execution")

    page, cursor = repository.page(2, None)
    rest, end = repository.page(2, cursor)

    assert [record["name"] for record in page + rest] == [names[1], names[0], names[2]]
    assert end is None
    for wrong in ("x", "e30="):
        with pytest.raises(InvalidRequest, match="cursor"):
            repository.page(2, wrong)


def test_lock_is_held_by_one_execution(repository: RetrainingRepository) -> None:
    assert repository.lock("chest-xray", "first") is None
    assert repository.lock("chest-xray", "first") is None  # a step that is repeated
    assert repository.lock("chest-xray", "second") == "first"
    assert repository.lock("retinal-oct", "second") is None
    repository.release("chest-xray", "second")
    assert repository.holder("chest-xray") == "first"
    repository.release("chest-xray", "first")
    assert repository.holder("chest-xray") is None
    assert repository.lock("chest-xray", "second") is None
