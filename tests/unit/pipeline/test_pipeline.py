"""Images from the inbox to their results, and images that get stuck."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from chalicelib.errors import EndpointNotReady, ImageTooLarge, TaskHasNoModel
from chalicelib.models.classifier import Classifier
from chalicelib.pipeline import inbox_check
from chalicelib.pipeline.inbox_check import InboxCheck
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.pipeline.sweeper import MAX_TRIES, Sweeper, SweepFailed
from chalicelib.results import result_document
from chalicelib.results.result_document import ListedResult, ResultModel, Review
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.inbox import (
    InboxObject,
    event_keys,
    event_objects,
    prepared_key,
    upload_id,
    upload_key,
)
from chalicelib.tasks import load_task, load_tasks
from tests import images
from tests.cloud import foundation
from tests.injection.faults import Interceptor
from tests.models import TASK, FakeBackend, write_package
from tests.stage import BUCKET, TABLE

pytestmark = pytest.mark.usefixtures("cloud")
TASK_ = load_task(TASK)
OLDER: ResultModel = {"version": "older", "sha256": "older", "backend": "embedded"}
LONG_AGO = "2020-01-01T00:00:00.000000Z"


def rows(result: ListedResult) -> int:
    """Height of the image in pixels."""
    assert result["source"]
    return result["source"]["rows"]


def review_by(reviewer: str) -> Review:
    label = TASK_.class_names[0]
    return {"label": label, "comment": None, "reviewed_at": "then", "reviewer": reviewer}


@pytest.fixture
def pipeline(cloud: None, tmp_path: Path) -> Pipeline:
    write_package(tmp_path / TASK)
    classifier = Classifier({}, lambda: None, tmp_path)
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    return Pipeline(bucket, ResultsTable(boto3.resource("dynamodb"), TABLE), classifier, load_tasks())


def drop(key: str, body: bytes) -> InboxObject:
    response = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return InboxObject(BUCKET, key, response["ETag"].strip('"'), len(body))


def keys(prefix: str = "") -> list[str]:
    listing = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in listing.get("Contents", ())]


def document(key: str) -> dict[str, Any]:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    loaded: dict[str, Any] = json.loads(body)
    return loaded


@pytest.mark.parametrize("name", ["plain.jpg", "with space.jpg", "a+b.jpg", "Müller/日本 é.jpg", "100%.jpg"])
def test_dropped_image_is_prepared_and_classified(pipeline: Pipeline, name: str) -> None:
    dropped = drop(f"inbox/{TASK}/{name}", images.grey_file("JPEG"))
    pipeline.prepare(dropped)
    assert keys("prepared/") == [prepared_key(TASK, dropped.id)]
    pipeline.classify(keys("prepared/"))
    result = pipeline.table.get(dropped.id)
    assert result["status"] == "classified"
    assert result["label"] in TASK_.class_names
    assert result["arrival"] == "drop-folder"
    assert result["source"] == {"format": "JPEG", "rows": 96, "columns": 64}
    assert result["classified_at"]
    assert result["created_at"] < result["classified_at"]
    assert document(f"results/{TASK}/{dropped.id}.json") == result
    assert keys("inbox/") == [dropped.key]


def test_upload_keeps_its_announced_id(pipeline: Pipeline) -> None:
    token = "ab" * 16
    image_id = upload_id(TASK, token)
    pipeline.table.announce(result_document.received(image_id, TASK, "upload"))
    pipeline.prepare(drop(upload_key(TASK, token), images.grey_file()))
    pipeline.classify(keys("prepared/"))
    result = pipeline.table.get(image_id)
    assert (result["status"], result["arrival"]) == ("classified", "upload")


def test_upload_form_sent_twice_classifies_the_last_content(pipeline: Pipeline) -> None:
    key = upload_key(TASK, "cd" * 16)
    first = drop(key, images.grey_file())
    second = drop(key, images.grey_file(height=200))
    for dropped in (first, second):
        pipeline.prepare(dropped)
    pipeline.classify(keys("prepared/"))
    ((result,), _) = pipeline.table.page()
    assert (result["status"], rows(result)) == ("classified", 200)


def test_second_delivery_makes_no_second_result(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    for _ in range(2):
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
    page, _ = pipeline.table.page()
    assert [result["id"] for result in page] == [dropped.id]
    assert metrics(capsys, "Classified") == 1


def test_two_deliveries_at_the_same_time_make_one_result(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    key = [prepared_key(TASK, dropped.id)]
    monkeypatch.setattr(Pipeline, "_is_finished", lambda *_: False)  # both checked before either had finished
    pipeline.classify(key)
    pipeline.classify(key)
    assert metrics(capsys, "Classified") == 1


def metrics(capsys: pytest.CaptureFixture[str], name: str) -> int:
    """The count of a metric for the task, which must equal that for the stage."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    counted = [line for line in lines if name in line]
    of_task = sum(sum(line[name]) for line in counted if line.get("task") == TASK)
    assert of_task == sum(sum(line[name]) for line in counted if "task" not in line)
    assert all(line["stage"] == "local" for line in counted)
    return int(of_task)


UNUSABLE = {
    "EmptyImage": b"",
    "NotAnImage": b"some text",
    "DamagedImage": images.grey_file("JPEG")[:-300],
    "ImageTooSmall": images.grey_file(height=1, width=1),
    "ImageTooLarge": images.png_bomb(),
    "NoPixels": images.structured_report(),
}


@pytest.mark.parametrize("code", UNUSABLE)
def test_unusable_file_is_quarantined_with_its_reason(
    pipeline: Pipeline, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/May/file 1.jpg", UNUSABLE[code])
    pipeline.prepare(dropped)
    result = pipeline.table.get(dropped.id)
    assert result["status"] == "quarantined"
    assert [reason["code"] for reason in result["reasons"]] == [code]
    folder = f"quarantine/{TASK}/{dropped.id}"
    assert sorted(keys()) == [
        f"{folder}.json",
        f"{folder}/May/file 1.jpg",
        f"results/{TASK}/{dropped.id}.json",
    ]
    assert (
        boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{folder}/May/file 1.jpg")["Body"].read()
        == UNUSABLE[code]
    )
    assert document(f"{folder}.json") == {"reasons": result["reasons"]}
    assert metrics(capsys, "Quarantined") == 1


@pytest.mark.parametrize("key", ["inbox/no-such-task/a.png", "inbox/a.png"])
def test_file_outside_task_folders_is_quarantined_with_the_tasks(pipeline: Pipeline, key: str) -> None:
    dropped = drop(key, images.grey_file())
    pipeline.prepare(dropped)
    result = pipeline.table.get(dropped.id)
    assert (result["task"], result["status"]) == ("unknown", "quarantined")
    assert TASK in result["reasons"][0]["message"]
    assert keys("inbox/") == []


def test_file_for_a_task_without_model_is_quarantined_with_advice(pipeline: Pipeline) -> None:
    dropped = drop("inbox/chest-xray/a.png", images.grey_file())
    pipeline.prepare(dropped)
    (reason,) = pipeline.table.get(dropped.id)["reasons"]
    assert reason["code"] == "TaskHasNoModel"
    assert "make train" in reason["message"]


def test_oversized_file_is_not_read(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(InboxObject(BUCKET, dropped.key, dropped.etag, 201 * 1024 * 1024))
    assert pipeline.table.page()[0][0]["reasons"][0]["code"] == "ImageTooLarge"


def test_removed_file_is_reported(pipeline: Pipeline) -> None:
    pipeline.prepare(InboxObject(BUCKET, f"inbox/{TASK}/gone.png", "e" * 32, 10))
    (result,) = pipeline.table.page()[0]
    assert (result["status"], result["reasons"][0]["code"]) == ("quarantined", "FileRemoved")


def test_replacing_file_is_unaffected_by_the_first_event(pipeline: Pipeline) -> None:
    first = drop(f"inbox/{TASK}/a.png", images.grey_file())
    second = drop(f"inbox/{TASK}/a.png", images.grey_file(height=200))
    pipeline.prepare(first)
    assert keys("inbox/") == [second.key]
    assert pipeline.table.get(first.id)["reasons"][0]["code"] == "FileRemoved"
    pipeline.prepare(second)
    pipeline.classify([prepared_key(TASK, second.id)])
    assert rows(pipeline.table.get(second.id)) == 200


def test_file_replaced_during_its_check_stays_in_the_inbox(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = drop(f"inbox/{TASK}/a.png", b"not an image")
    read = pipeline.bucket.read

    def read_and_be_overtaken(key: str, etag: str | None = None) -> Any:
        stored = read(key, etag)
        drop(bad.key, images.grey_file())
        return stored

    monkeypatch.setattr(DataBucket, "read", lambda _, key, etag=None: read_and_be_overtaken(key, etag))
    pipeline.prepare(bad)
    assert pipeline.table.get(bad.id)["reasons"][0]["code"] == "NotAnImage"
    assert keys("inbox/") == [bad.key]


def versioned() -> None:
    status = {"Status": "Enabled"}
    boto3.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=status)


def drop_version(key: str, body: bytes) -> InboxObject:
    response = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return InboxObject(BUCKET, key, response["ETag"].strip('"'), len(body), response["VersionId"])


def test_file_replaced_before_reading_is_classified(pipeline: Pipeline) -> None:
    """The order of the next file of that name and this one's event does not matter."""
    versioned()
    both = [drop_version(f"inbox/{TASK}/a.png", images.grey_file(height=height)) for height in (100, 200)]
    for dropped in both:
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
    found = [rows(pipeline.table.get(dropped.id)) for dropped in both]
    assert found == [100, 200]


def test_unusable_file_replaced_before_reading_is_quarantined(pipeline: Pipeline) -> None:
    versioned()
    bad, good = drop_version(f"inbox/{TASK}/a.png", b"text"), drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(bad)
    assert keys("inbox/") == [good.key]
    assert keys(f"quarantine/{TASK}/{bad.id}/") == [f"quarantine/{TASK}/{bad.id}/a.png"]
    assert pipeline.table.get(bad.id)["reasons"][0]["code"] == "NotAnImage"


def test_unusable_file_dropped_again_is_quarantined_again(pipeline: Pipeline) -> None:
    for _ in range(2):
        dropped = drop(f"inbox/{TASK}/a.png", b"text")
        pipeline.prepare(dropped)
        assert keys("inbox/") == []
    assert len(pipeline.table.page()[0]) == 1


def test_quarantined_file_keeps_its_tags(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", b"text")
    tags = {"TagSet": [{"Key": "ward", "Value": "7"}]}
    boto3.client("s3").put_object_tagging(Bucket=BUCKET, Key=dropped.key, Tagging=tags)
    pipeline.prepare(dropped)
    key = f"quarantine/{TASK}/{dropped.id}/a.png"
    assert boto3.client("s3").get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == tags["TagSet"]


@pytest.mark.parametrize("role", ["PrepareRole", "SweepRole"])
def test_roles_may_move_tagged_files(role: str) -> None:
    (policy,) = foundation()[role]["Properties"]["Policies"]
    allowed = {
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        for resource in [statement["Resource"]]
        if isinstance(statement["Action"], list) and isinstance(resource, str)
    }
    assert ("s3:GetObjectTagging", "${DataBucket.Arn}/inbox/*") in allowed
    if role == "SweepRole":
        assert ("s3:PutObjectTagging", "${DataBucket.Arn}/quarantine/*") in allowed


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
    assert document(result_document.key(result)) == result


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
            pipeline.review(image_id, theirs)

    monkeypatch.setattr(ResultsTable, "begin_change", overtaken)
    assert pipeline.review(image_id, mine)["review"] == mine
    result = pipeline.table.get(image_id)
    assert document(result_document.key(result)) == result
    assert result["review"] == mine
    assert Clockwork(pipeline).run() == 0


def test_repeated_request_writes_a_missing_array(pipeline: Pipeline) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.bucket.delete(prepared_key(TASK, first["id"]))
    pipeline.classify_now(TASK_, images.grey_file())
    assert keys("prepared/") == [prepared_key(TASK, first["id"])]


def test_repeated_event_writes_a_missing_document(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    result = pipeline.table.get(dropped.id)
    pipeline.bucket.delete(result_document.key(result))
    pipeline.prepare(dropped)
    assert document(result_document.key(result)) == result


def test_late_classification_does_not_overwrite_a_review(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    review = review_by("local")
    reviewed = pipeline.review(dropped.id, review)
    monkeypatch.setattr(Pipeline, "_is_finished", lambda *_: False)  # it checked before the other finished
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert (
        document(result_document.key(reviewed))["review"]
        == pipeline.table.get(dropped.id)["review"]
        == review
    )


def test_images_of_one_event_are_classified_in_one_batch(pipeline: Pipeline) -> None:
    backend = FakeBackend([0.96, 0.01, 0.01, 0.01, 0.01])
    pipeline.classifier._backends[TASK] = backend
    for number in range(3):
        pipeline.prepare(drop(f"inbox/{TASK}/{number}.png", images.grey_file(height=100 + number)))
    pipeline.classify(keys("prepared/"))
    assert [shape[0] for shape in backend.batches] == [3]
    assert {result["status"] for result in pipeline.table.page()[0]} == {"classified"}


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
    assert document(f"results/{TASK}/{first['id']}.json") == first
    pipeline.classify([prepared_key(TASK, first["id"])])  # the event of its prepared array
    assert metrics(capsys, "Classified") == 1


def test_new_model_classifies_again_and_keeps_the_review(pipeline: Pipeline, tmp_path: Path) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    review = review_by("local")
    pipeline.review(first["id"], review)
    pipeline.decisions.change(first["id"], lambda result: result | {"model": OLDER})
    second = pipeline.classify_now(TASK_, images.grey_file())
    assert second["id"] == first["id"]
    assert second["model"] == first["model"]
    assert second["created_at"] == first["created_at"]
    assert pipeline.table.get(first["id"])["review"] == review
    assert document(result_document.key(second)) == second == pipeline.table.get(first["id"])


def test_direct_classification_without_model_or_with_a_bad_image_stores_nothing(pipeline: Pipeline) -> None:
    with pytest.raises(TaskHasNoModel):
        pipeline.classify_now(load_task("chest-xray"), images.grey_file())
    with pytest.raises(ImageTooLarge):
        pipeline.classify_now(TASK_, images.png_bomb())
    assert keys() == []
    assert pipeline.table.page() == ([], None)


def test_prepared_array_equals_that_of_training(pipeline: Pipeline) -> None:
    from chalicelib.imaging import prepare

    data = images.grey_file("JPEG", height=500, width=333)
    dropped = drop(f"inbox/{TASK}/a.jpg", data)
    pipeline.prepare(dropped)
    stored = PreparedArray.unpack(pipeline.bucket.read(prepared_key(TASK, dropped.id)))
    np.testing.assert_array_equal(stored.pixels, prepare(data, TASK_.input).pixels)


class Clockwork:
    """A sweeper that records the events it sends."""

    def __init__(self, pipeline: Pipeline):
        self.sent: list[dict[str, Any]] = []
        self.sweep = Sweeper(pipeline, self.sent.append)

    def run(self, minutes: float = 11) -> int:
        return self.sweep.run(datetime.now(UTC) + timedelta(minutes=minutes))


def test_sweeper_retries_a_stuck_image(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    dropped = drop(f"inbox/{TASK}/forgotten é.png", images.grey_file())
    pipeline.receive(dropped)
    assert clockwork.run(minutes=9) == 0
    assert clockwork.run() == 1
    (event,) = clockwork.sent
    assert list(event_objects(event)) == [dropped]
    assert event_keys(event) == [dropped.key]
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert clockwork.run() == 0


def test_sweeper_finds_a_file_without_an_event_within_an_hour(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    assert clockwork.run(minutes=0) == 0
    dropped = drop(f"inbox/{TASK}/silent é.png", images.grey_file())
    assert clockwork.run(minutes=50) == 0
    assert clockwork.run(minutes=61) == 1
    (event,) = clockwork.sent
    assert list(event_objects(event)) == [dropped]
    # Now the table knows it, and the list is not needed any more.
    assert clockwork.run(minutes=72) == 1


def test_file_without_an_event_may_be_replaced_after_the_sweeper_found_it(pipeline: Pipeline) -> None:
    versioned()
    first, events = drop(f"inbox/{TASK}/a.png", images.grey_file(height=100)), list[dict[str, Any]]()
    Sweeper(pipeline, events.append).run(datetime.now(UTC) + timedelta(minutes=11))
    drop(first.key, images.grey_file(height=200))
    for dropped in event_objects(events[0]):
        pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, first.id)])
    assert rows(pipeline.table.get(first.id)) == 100


def test_inbox_check_continues_where_it_stopped(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_check, "PAGES", 1)
    inbox = DataBucket.inbox

    def small_pages(bucket: DataBucket, after: str = "") -> Any:
        for page, _ in inbox(bucket, after):
            for dropped in page:
                yield [dropped], dropped.key

    monkeypatch.setattr(DataBucket, "inbox", small_pages)
    for name in "abc":
        drop(f"inbox/{TASK}/{name}.png", images.grey_file())
    check = InboxCheck(pipeline.bucket, pipeline.table)

    def found(minutes: float) -> list[str]:
        return [dropped.name for dropped in check.run(datetime.now(UTC) + timedelta(minutes=minutes))]

    # The last run finds no more files; the next pass starts a day after this one did.
    assert [found(minutes) for minutes in (11, 12, 13, 14)] == [["a.png"], ["b.png"], ["c.png"], []]
    assert found(23 * 60) == []
    assert found(25 * 60) == ["a.png"]


def test_sweeper_cost_does_not_grow_with_stored_images(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    clockwork.run()
    with Interceptor().active() as empty:
        clockwork.run(minutes=12)
    for number in range(20):
        drop(f"inbox/{TASK}/{number}.png", images.grey_file())
        base = result_document.received(f"{number:032x}", TASK, "drop-folder")
        pipeline.table.finish(base | {"status": result_document.CLASSIFIED})
    with Interceptor().active() as full:
        clockwork.run(minutes=13)
    assert len(full.calls) == len(empty.calls) <= 6


def ages(capsys: pytest.CaptureFixture[str]) -> list[float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["OldestUnfinishedAge"][0] for line in lines if "OldestUnfinishedAge" in line]


def test_sweeper_records_the_oldest_unfinished_age(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    clockwork = Clockwork(pipeline)
    pipeline.table.announce(
        result_document.received("0" * 32, TASK, "upload")
    )  # nothing arrived, so it is not stuck
    clockwork.run()
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.receive(dropped)
    clockwork.run(minutes=5)
    clockwork.run(minutes=30)
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    clockwork.run(minutes=40)
    none, young, old, done = ages(capsys)
    assert (none, done) == (0, 0)
    assert 290 < young < 310
    assert 1790 < old < 1810


def latencies(capsys: pytest.CaptureFixture[str]) -> list[float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["Latency"][0] for line in lines if "Latency" in line and "task" not in line]


def test_latency_runs_from_the_arrival_of_the_file(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "ab" * 16
    announced = result_document.received(upload_id(TASK, token), TASK, "upload")
    pipeline.table.announce(announced | {"created_at": LONG_AGO})  # when the form was requested
    dropped = drop(upload_key(TASK, token), images.grey_file())
    before = datetime.now(UTC) - timedelta(seconds=100)
    pipeline.prepare(replace(dropped, time=before.isoformat()))
    pipeline.classify([prepared_key(TASK, dropped.id)])
    (latency,) = latencies(capsys)
    assert 100_000 <= latency < 150_000


def test_latency_is_never_the_age_of_an_earlier_result(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.decisions.change(first["id"], lambda result: result | {"model": OLDER, "created_at": LONG_AGO})
    pipeline.classify_now(TASK_, images.grey_file())
    assert all(latency < 60_000 for latency in latencies(capsys))


def test_latency_is_missing_without_arrival_time(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)  # an event without a time
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert latencies(capsys) == []


def test_sweeper_quarantines_after_five_tries(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    dropped = drop(f"inbox/{TASK}/stubborn.png", images.grey_file())
    pipeline.receive(dropped)
    clockwork.run(minutes=0)  # the hourly inbox check
    for _ in range(MAX_TRIES):
        clockwork.run()
    assert len(clockwork.sent) == MAX_TRIES
    assert pipeline.table.get(dropped.id)["status"] == "received"
    clockwork.run()
    assert len(clockwork.sent) == MAX_TRIES
    result = pipeline.table.get(dropped.id)
    assert (result["status"], result["reasons"][0]["code"]) == ("quarantined", "RetriesExhausted")
    assert keys("inbox/") == []
    assert f"quarantine/{TASK}/{dropped.id}/stubborn.png" in keys()


def test_copy_of_an_upload_in_another_folder_is_another_image(pipeline: Pipeline) -> None:
    token = "ef" * 16
    one = drop(upload_key(TASK, token), images.grey_file())
    other = drop(upload_key("chest-xray", token), images.grey_file())
    assert one.id != other.id
    assert Clockwork(pipeline).run() == 2


def test_failing_image_does_not_stop_the_sweeper(pipeline: Pipeline) -> None:
    for name in "abc":
        drop(f"inbox/{TASK}/{name}.png", images.grey_file())
    sent = []

    def send(event: dict[str, Any]) -> None:
        if "a.png" in str(event):
            raise RuntimeError("Lambda said no")
        sent.append(event)

    with pytest.raises(SweepFailed, match="1 of 3"):
        Sweeper(pipeline, send).run(datetime.now(UTC) + timedelta(minutes=11))
    assert len(sent) == 2


@pytest.mark.parametrize("length", [900, 985])
def test_longest_names_can_be_quarantined(pipeline: Pipeline, length: int) -> None:
    dropped = drop(f"inbox/{TASK}/{'x' * length}.png", b"not an image")
    pipeline.prepare(dropped)
    assert pipeline.table.get(dropped.id)["status"] == "quarantined"
    (moved,) = (key for key in keys(f"quarantine/{TASK}/") if key.endswith(".png"))
    assert len(moved.encode()) <= 1024
    assert keys("inbox/") == []


def test_sweeper_ignores_finished_old_and_folder_objects(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    done = drop(f"inbox/{TASK}/done.png", images.grey_file())
    pipeline.prepare(done)
    pipeline.classify([prepared_key(TASK, done.id)])
    drop(f"inbox/{TASK}/", b"")
    assert clockwork.run() == 0
    drop(f"inbox/{TASK}/ancient.png", images.grey_file())
    assert clockwork.run(minutes=60 * 24 * 8) == 0
    assert clockwork.sent == []
