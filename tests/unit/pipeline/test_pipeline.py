"""Images from the inbox, and from requests, to their results."""

from itertools import chain
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import EndpointNotReady, ImageTooLarge, NotClassified, TaskHasNoModel
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.pipeline import prepared
from chalicelib.pipeline.decoder import DecodedFile
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing, StorageFailed
from chalicelib.storage.inbox import (
    InboxObject,
    prepared_key,
    upload_id,
    upload_key,
)
from chalicelib.tasks import Task, load_task
from tests import images
from tests.models import TASK, FakeBackend
from tests.stage import BUCKET
from tests.unit.pipeline.steps import (
    OLDER,
    TASK_,
    Clockwork,
    add_reading,
    drop,
    drop_version,
    metric_count,
    review_by,
    rows,
    stored_document,
    stored_keys,
    versioned,
)

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.mark.parametrize("name", ["plain.jpg", "with space.jpg", "a+b.jpg", "Müller/日本 é.jpg", "100%.jpg"])
def test_dropped_image_is_prepared_and_classified(pipeline: Pipeline, name: str) -> None:
    dropped = drop(f"inbox/{TASK}/{name}", images.grey_file("JPEG"))
    pipeline.prepare(dropped)
    assert stored_keys("prepared/") == [prepared_key(TASK, dropped.id)]
    pipeline.classify(stored_keys("prepared/"))
    result = pipeline.table.get(dropped.id)
    assert result["status"] == "classified"
    assert result["label"] in TASK_.class_names
    assert result["arrival"] == "drop-folder"
    assert result["source"] == {"format": "JPEG", "rows": 96, "columns": 64}
    assert result["classified_at"]
    assert result["created_at"] < result["classified_at"]
    assert stored_document(f"results/{TASK}/{dropped.id}.json") == result
    assert stored_keys("inbox/") == [dropped.key]


def test_upload_keeps_its_announced_id(pipeline: Pipeline) -> None:
    token = "ab" * 16
    image_id = upload_id(TASK, token)
    pipeline.table.announce(result_document.received(image_id, TASK, "upload"))
    pipeline.prepare(drop(upload_key(TASK, token), images.grey_file()))
    pipeline.classify(stored_keys("prepared/"))
    result = pipeline.table.get(image_id)
    assert (result["status"], result["arrival"]) == ("classified", "upload")


def test_upload_form_sent_twice_classifies_the_last_content(pipeline: Pipeline) -> None:
    key = upload_key(TASK, "cd" * 16)
    first = drop(key, images.grey_file())
    second = drop(key, images.grey_file(height=200))
    for dropped in (first, second):
        pipeline.prepare(dropped)
    pipeline.classify(stored_keys("prepared/"))
    ((result,), _) = pipeline.table.page()
    assert (result["status"], rows(result)) == ("classified", 200)


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize(
    "other", [images.grey_file(height=200), images.black_file()], ids=["other size", "same size"]
)
def test_upload_form_sent_twice_during_preparation_shows_no_other_image(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, other: bytes, is_read: bool
) -> None:
    key = upload_key(TASK, "cd" * 16)
    first = drop(key, images.grey_file())
    pipeline.prepare(first)
    second = drop(key, other)
    decode = Pipeline._decode

    def slow_decode(self: Pipeline, task: Task, original: InboxObject) -> DecodedFile:
        decoded = decode(self, task, original)
        pipeline.classify(stored_keys("prepared/"))
        if is_read:
            pipeline.decisions.review(first.id, add_reading(review_by("me")))
        return decoded

    monkeypatch.setattr(Pipeline, "_decode", slow_decode)
    pipeline.prepare(second)
    pipeline.classify(stored_keys("prepared/"))
    result = pipeline.table.get(first.id)
    if is_read:  # the reading is of the first file
        assert rows(result) == 96
        with pytest.raises(NotClassified, match="sent twice"):
            pipeline.prepared_image(result)
    else:
        alone = pipeline.try_out(TASK_, other)
        assert result["probabilities"] == alone["probabilities"]
        assert result["source"] == alone["source"]
        assert pipeline.prepared_image(result).picture == result["picture"]


def test_second_delivery_makes_no_second_result(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    for _ in range(2):
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
    page, _ = pipeline.table.page()
    assert [result["id"] for result in page] == [dropped.id]
    assert metric_count(capsys, "Classified") == 1


def test_two_deliveries_of_an_array_make_one_result(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    key = [prepared_key(TASK, dropped.id)]
    pipeline.classify(key)
    pipeline.classify(key)
    assert metric_count(capsys, "Classified") == 1


def test_oversized_file_is_not_read(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(InboxObject(BUCKET, dropped.key, dropped.etag, MAX_FILE_BYTES + 1))
    assert pipeline.table.page()[0][0]["reasons"][0]["code"] == "ImageTooLarge"


def test_removed_file_is_reported(pipeline: Pipeline) -> None:
    pipeline.prepare(InboxObject(BUCKET, f"inbox/{TASK}/gone.png", "e" * 32, 10))
    (result,) = pipeline.table.page()[0]
    assert (result["status"], result["reasons"][0]["code"]) == ("quarantined", "FileRemoved")


def test_replacing_file_is_unaffected_by_the_first_event(pipeline: Pipeline) -> None:
    first = drop(f"inbox/{TASK}/a.png", images.grey_file())
    second = drop(f"inbox/{TASK}/a.png", images.grey_file(height=200))
    pipeline.prepare(first)
    assert stored_keys("inbox/") == [second.key]
    assert pipeline.table.get(first.id)["reasons"][0]["code"] == "FileRemoved"
    pipeline.prepare(second)
    pipeline.classify([prepared_key(TASK, second.id)])
    assert rows(pipeline.table.get(second.id)) == 200


def test_file_replaced_before_reading_is_classified(pipeline: Pipeline) -> None:
    """The order of the next file of that name and this one's event does not matter."""
    versioned()
    both = [drop_version(f"inbox/{TASK}/a.png", images.grey_file(height=height)) for height in (100, 200)]
    for dropped in both:
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
    found = [rows(pipeline.table.get(dropped.id)) for dropped in both]
    assert found == [100, 200]


def test_content_that_was_stored_again_is_classified_after_its_version_has_expired(
    pipeline: Pipeline,
) -> None:
    versioned()
    first, _ = [drop_version(f"inbox/{TASK}/a.png", images.grey_file()) for _ in range(2)]
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=first.key, VersionId=first.version_id)
    pipeline.prepare(first)
    pipeline.classify([prepared_key(TASK, first.id)])
    assert pipeline.table.get(first.id)["status"] == "classified"


def test_two_classifications_at_once_leave_one_result(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one decides while the first is between document and table."""
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    runs: list[int] = []
    finish = ResultsTable.finish

    def overtaken(table: ResultsTable, result: Any, revision: int = 0) -> bool:
        if not runs:
            runs.append(1)
            pipeline.classify([prepared_key(TASK, dropped.id)])
        return finish(table, result, revision)

    monkeypatch.setattr(ResultsTable, "finish", overtaken)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    result = pipeline.table.get(dropped.id)
    assert stored_document(result_document.key(result)) == result


def test_concurrent_reviews_leave_one_review_everywhere(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = pipeline.classify_now(TASK_, images.grey_file())["id"]
    reviews = [review_by(who) for who in ("me", "they")]
    mine, theirs = reviews
    runs: list[int] = []
    begin = ResultsTable.begin_change

    def overtaken(table: ResultsTable, image: str, revision: int) -> None:
        begin(table, image, revision)
        if not runs:
            runs.append(1)
            pipeline.decisions.review(image_id, add_reading(theirs))

    monkeypatch.setattr(ResultsTable, "begin_change", overtaken)
    assert pipeline.decisions.review(image_id, add_reading(mine))["review"] == mine
    result = pipeline.table.get(image_id)
    assert stored_document(result_document.key(result)) == result
    assert (result["review"], result["readings"]) == (mine, [theirs, mine])
    assert Clockwork(pipeline).run() == 0


def test_repeated_event_writes_a_missing_document(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    result = pipeline.table.get(dropped.id)
    pipeline.bucket.delete(result_document.key(result))
    pipeline.prepare(dropped)
    assert stored_document(result_document.key(result)) == result


def test_late_classification_does_not_overwrite_a_review(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    review = review_by("local")
    reviewed = pipeline.decisions.review(dropped.id, add_reading(review))
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert (
        stored_document(result_document.key(reviewed))["review"]
        == pipeline.table.get(dropped.id)["review"]
        == review
    )


def test_images_of_one_event_are_classified_in_one_batch(pipeline: Pipeline) -> None:
    backend = FakeBackend([0.96, 0.01, 0.01, 0.01, 0.01])
    pipeline.classifier._backends[TASK] = backend
    for number in range(3):
        pipeline.prepare(drop(f"inbox/{TASK}/{number}.png", images.grey_file(height=100 + number)))
    pipeline.classify(stored_keys("prepared/"))
    assert [shape[0] for shape in backend.batches] == [3]
    assert {result["status"] for result in pipeline.table.page()[0]} == {"classified"}


def test_late_event_of_a_deleted_array_is_ignored(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    key = prepared_key(TASK, dropped.id)
    stored = prepared.load(pipeline.bucket, TASK, dropped.id)
    pipeline.bucket.delete(key)
    with pytest.raises(ObjectMissing):  # it waits for its result
        pipeline.classify([key])
    prepared.store(pipeline.bucket, TASK, dropped.id, stored)
    pipeline.classify([key])
    pipeline.bucket.delete(key)
    pipeline.classify([key])
    assert pipeline.table.get(dropped.id)["status"] == "classified"


def test_event_of_the_array_of_a_request_runs_no_model(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.grey_file())
    backend = FakeBackend([0.96, 0.01, 0.01, 0.01, 0.01])
    pipeline.classifier._backends[TASK] = backend
    pipeline.classify([prepared_key(TASK, result["id"])])
    assert backend.batches == []


def test_endpoint_that_is_not_ready_makes_the_event_repeat(pipeline: Pipeline) -> None:
    class Starting:
        def run(self, _images: Any) -> Any:
            raise EndpointNotReady("starting")

    pipeline.classifier._backends[TASK] = Starting()
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    with pytest.raises(EndpointNotReady):
        pipeline.classify([prepared_key(TASK, dropped.id)])
    assert pipeline.table.get(dropped.id)["status"] == "received"


def test_direct_classification_is_stored_and_repeatable(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    assert first["status"] == "classified"
    assert first["arrival"] == "api"
    assert pipeline.classify_now(TASK_, images.grey_file()) == pipeline.table.get(first["id"]) == first
    for _ in range(2):
        pipeline.classify([prepared_key(TASK, first["id"])])  # the event of its prepared array
        assert stored_document(f"results/{TASK}/{first['id']}.json") == first
        assert list(chain.from_iterable(pipeline.table.unfinished())) == []
    assert metric_count(capsys, "Classified") == 1


def test_sweeper_writes_the_document_if_the_event_of_the_array_is_lost(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.grey_file())
    assert stored_keys("results/") == []
    Clockwork(pipeline).run()
    assert stored_document(result_document.key(result)) == result == pipeline.table.get(result["id"])
    assert list(chain.from_iterable(pipeline.table.unfinished())) == []


def test_review_before_the_event_of_the_array_stays(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.grey_file())
    review = review_by("me")
    reviewed = pipeline.decisions.review(result["id"], add_reading(review))
    pipeline.classify([prepared_key(TASK, result["id"])])
    assert reviewed["review"] == review
    assert stored_document(result_document.key(result)) == reviewed == pipeline.table.get(result["id"])


def test_review_that_is_under_way_keeps_its_mark(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the event ended the change of somebody who has died, nobody would finish it."""
    image_id = pipeline.classify_now(TASK_, images.grey_file())["id"]

    def die(*_: Any) -> None:
        raise StorageFailed("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ResultsTable, "end_change", die)
        with pytest.raises(StorageFailed):
            pipeline.decisions.review(image_id, add_reading(review_by("me")))
    pipeline.classify([prepared_key(TASK, image_id)])
    assert [found for found, _ in chain.from_iterable(pipeline.table.unfinished())] == [image_id]
    Clockwork(pipeline).run()
    assert pipeline.table.get(image_id)["review"] == review_by("me")


@pytest.mark.parametrize("moment", ["entry", "finish"])
def test_request_and_event_of_its_array_agree(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The classify Lambda may be faster than the request that stored the array, or come in between."""
    store, decide = prepared.store, Decisions.decide

    def overtaken(bucket: DataBucket, task: str, image_id: str, image: PreparedArray) -> None:
        store(bucket, task, image_id, image)
        if moment == "entry":
            pipeline.classify([prepared_key(task, image_id)])

    monkeypatch.setattr(prepared, "store", overtaken)
    if moment == "finish":
        # The Lambda has found nothing in the table; the request finishes before the Lambda does.
        result = pipeline.classify_now(TASK_, images.grey_file())
        entry = pipeline.table.entry(result["id"])
        other = result | {"classified_at": "later"}
        assert entry
        pipeline._finish(decide(pipeline.decisions, other), None)
    else:
        result = pipeline.classify_now(TASK_, images.grey_file())
    stored = pipeline.table.get(result["id"])
    assert stored_document(result_document.key(result)) == stored
    assert stored["label"] == result["label"]
    assert list(chain.from_iterable(pipeline.table.unfinished())) == []


def test_nothing_is_stored_without_an_entry_in_the_audit_record(pipeline: Pipeline) -> None:
    def fail() -> None:
        raise StorageFailed("PutObject: 500")

    with pytest.raises(StorageFailed):
        pipeline.classify_now(TASK_, images.grey_file(), fail)
    assert [key for key in stored_keys() if not key.startswith("pictures/")] == []
    assert pipeline.table.page() == ([], None)


def test_new_model_classifies_again_and_keeps_the_review(pipeline: Pipeline, tmp_path: Path) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    review = review_by("local")
    pipeline.decisions.review(first["id"], add_reading(review))
    pipeline.decisions.change(first["id"], lambda result: result | {"model": OLDER})
    second = pipeline.classify_now(TASK_, images.grey_file())
    assert second["id"] == first["id"]
    assert second["model"] == first["model"]
    assert second["created_at"] == first["created_at"]
    assert (second["review"], second["readings"]) == (review, [review])
    assert stored_document(result_document.key(second)) == second == pipeline.table.get(first["id"])


def test_trying_out_answers_the_same_and_stores_nothing(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = pipeline.try_out(TASK_, images.grey_file())
    assert stored_keys() == []
    assert pipeline.table.page() == ([], None)
    assert metric_count(capsys, "Classified") == 0
    stored = pipeline.classify_now(TASK_, images.grey_file())
    stored_only = ("created_at", "classified_at", "picture")
    assert {**answer, **dict.fromkeys(stored_only)} == {**stored, **dict.fromkeys(stored_only)}


def test_direct_classification_without_model_or_with_a_bad_image_stores_nothing(pipeline: Pipeline) -> None:
    with pytest.raises(TaskHasNoModel):
        pipeline.classify_now(load_task("chest-xray"), images.grey_file())
    with pytest.raises(ImageTooLarge):
        pipeline.classify_now(TASK_, images.png_bomb())
    assert stored_keys() == []
    assert pipeline.table.page() == ([], None)
