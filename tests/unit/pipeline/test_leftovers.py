"""Pictures and arrays without a result are found, and nothing else."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.pipeline.leftovers import Leftovers
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.storage.inbox import picture_key, prepared_key
from tests import images
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.pipeline.steps import TASK_, Clockwork, stored_keys, versioned

pytestmark = pytest.mark.usefixtures("cloud")

NOBODY = "ab" * 16


@pytest.fixture
def left(pipeline: Pipeline) -> list[str]:
    """Keys of what a request left that ended early, beside an image that has its result."""
    versioned()
    pipeline.classify_now(TASK_, images.film())
    pipeline.classify(stored_keys("prepared/"))
    keys = [
        picture_key(TASK, NOBODY, "0" * 64),
        picture_key(TASK, NOBODY, "1" * 64),
        prepared_key(TASK, NOBODY),
    ]
    for key in keys:
        pipeline.bucket.write(key, b"1", "x")
    return keys


def found(pipeline: Pipeline, days: float) -> list[str]:
    moment = datetime.now(UTC) + timedelta(days=days)
    return [version.key for version in Leftovers(pipeline.bucket, pipeline.table).run(moment)]


def test_what_has_no_result_is_found_when_no_event_can_need_it(pipeline: Pipeline, left: list[str]) -> None:
    assert found(pipeline, 14) == []
    assert found(pipeline, 14 + 29) == []  # the next pass begins after a month
    assert found(pipeline, 14 + 31) == left


def test_lost_table_leaves_nothing_over(pipeline: Pipeline, left: list[str]) -> None:
    (result,) = pipeline.table.page()[0]
    pipeline.table._table.delete_item(Key={"id": result["id"]})
    assert found(pipeline, 16) == left
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=result_document.key_of(TASK, result["id"]))
    assert len(found(pipeline, 50)) == len(left) + 5  # three frames, their list, the array


def test_announced_and_other_objects_are_left_alone(pipeline: Pipeline) -> None:
    pipeline.table.announce(result_document.received(NOBODY, TASK, "upload"))
    for key in (prepared_key(TASK, NOBODY), f"prepared/{TASK}/notes.txt", "pictures/readme.txt"):
        pipeline.bucket.write(key, b"1", "x")
    assert found(pipeline, 16) == []


def test_sweep_deletes_them(pipeline: Pipeline, left: list[str]) -> None:
    kept = [key for key in stored_keys() if key not in left]
    Clockwork(pipeline).run(minutes=16 * 24 * 60)
    assert [key for key in stored_keys() if not key.startswith("sweep/")] == kept
    assert not [one for key in left for one in pipeline.bucket.versions(key)]
