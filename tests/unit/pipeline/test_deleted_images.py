"""Images that are sent again after their results have been deleted."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.errors import ModelFailed
from chalicelib.pipeline import prepared
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results.removal import Removal
from chalicelib.results.result_document import Result
from chalicelib.storage.audit import Audit
from chalicelib.storage.inbox import prepared_key
from tests import images
from tests.models import TASK
from tests.stage import TABLE
from tests.unit.pipeline.steps import (
    TASK_,
    Clockwork,
    drop_version,
    stored_keys,
    versioned,
)

pytestmark = pytest.mark.usefixtures("cloud")


def deleted(pipeline: Pipeline) -> Result:
    """A result that was deleted; what is stored of the image is still there."""
    versioned()
    result = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.classify(stored_keys("prepared/"))
    return Removal(pipeline.decisions, Audit(pipeline.bucket)).delete(result["id"], "me")


def let_the_deletion_be_due(image_id: str) -> None:
    since = datetime.now(UTC) - timedelta(minutes=11)
    boto3.resource("dynamodb").Table(TABLE).update_item(
        Key={"id": image_id},
        UpdateExpression="SET unfinished_since = :since",
        ExpressionAttributeValues={":since": since.isoformat().replace("+00:00", "Z")},
    )


@pytest.mark.parametrize("step", ["decode", "store"])
def test_sweep_while_a_deleted_image_is_sent_again_leaves_its_files(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    image_id = deleted(pipeline)["id"]
    let_the_deletion_be_due(image_id)
    owner, name = (type(pipeline.decoder), "decode") if step == "decode" else (prepared, "store")
    carry_on = getattr(owner, name)

    def sweep_afterwards(*arguments: object) -> object:
        outcome = carry_on(*arguments)
        Clockwork(pipeline).run(0)
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, sweep_afterwards)
        again = pipeline.classify_now(TASK_, images.grey_file())

    Clockwork(pipeline).run()
    assert pipeline.table.get(image_id) == again
    assert pipeline.prepared_image(again).is_input_of(again)
    assert stored_keys("pictures/")


def test_sweep_that_has_begun_leaves_the_files_of_a_deleted_image_that_is_sent_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = deleted(pipeline)["id"]
    let_the_deletion_be_due(image_id)
    entry_of = pipeline.table.entry
    looks = iter(["to retry", "to purge"])

    def send_again_after_the_last_look(wanted: str) -> object:
        entry = entry_of(wanted)
        if next(looks, None) == "to purge":
            monkeypatch.undo()
            pipeline.classify_now(TASK_, images.grey_file())
        return entry

    monkeypatch.setattr(
        type(pipeline.table), "entry", lambda _, wanted: send_again_after_the_last_look(wanted)
    )
    Clockwork(pipeline).run(0)

    assert pipeline.table.get(image_id)["status"] == "classified"
    assert stored_keys("prepared/") == [prepared_key(TASK, image_id)]
    assert stored_keys("pictures/")


def test_deleted_image_that_is_sent_again_in_vain_leaves_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = deleted(pipeline)["id"]
    Clockwork(pipeline).run()
    assert stored_keys("pictures/") == []

    def fail(*_: object) -> None:
        raise ModelFailed("The model is broken.")

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "_answer", fail)
        with pytest.raises(ModelFailed):
            pipeline.classify_now(TASK_, images.grey_file())
    assert stored_keys("pictures/")

    Clockwork(pipeline).run()
    assert stored_keys("pictures/") == stored_keys("prepared/") == []
    entry = pipeline.table.entry(image_id)
    assert entry
    assert (entry.deleted, entry.unfinished_since) == (True, None)


def test_file_that_is_dropped_again_after_its_deletion_is_deleted_and_logged(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    versioned()
    dropped = drop_version(f"inbox/{TASK}/Doe, Jane.png", images.grey_file())
    pipeline.prepare(dropped)
    pipeline.classify(stored_keys("prepared/"))
    Removal(pipeline.decisions, Audit(pipeline.bucket)).delete(dropped.id, "me")
    Clockwork(pipeline).run()

    pipeline.prepare(drop_version(dropped.key, images.grey_file()))
    Clockwork(pipeline).run()

    assert stored_keys("inbox/") == []
    assert [vars(one)["image"] for one in caplog.records if one.message == "arrived after its deletion"] == [
        dropped.id
    ]
    assert "Doe" not in caplog.text

    other = drop_version(f"inbox/{TASK}/other name.png", images.grey_file())
    pipeline.prepare(other)
    pipeline.classify(stored_keys("prepared/"))
    assert pipeline.table.get(other.id)["status"] == "classified"
