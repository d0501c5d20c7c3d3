"""Parts of batches: every image gets one result, however often its part runs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from chalicelib import timestamps
from chalicelib.batches.batch import Batch, Kind
from chalicelib.batches.lookup import Item
from chalicelib.batches.outcome import PartOutcome
from chalicelib.batches.part import PartRun
from chalicelib.errors import DecoderUnavailable, DecodingFailed, TaskHasNoModel
from chalicelib.models.classifier import Classifier
from chalicelib.pipeline import prepared
from chalicelib.pipeline.decoder import Decoder
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results.removal import Removal
from chalicelib.storage import inbox
from chalicelib.storage.audit import Audit
from chalicelib.tasks import load_task
from tests import images
from tests.models import TASK, write_package
from tests.stage import BUCKET
from tests.unit.pipeline.steps import add_reading, metric_count, review_by, stored_keys

pytestmark = pytest.mark.usefixtures("cloud")

EARLIER, LATER = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def batch(kind: Kind = "folder", requested_at: str = EARLIER, name: str = "batch-1") -> Batch:
    return {
        "name": name,
        "task": TASK,
        "kind": kind,
        "source": "archive/",
        "concurrency": 1,
        "requested_at": requested_at,
    }


def archived(name: str, body: bytes) -> Item:
    """An object in the archive, as the ItemReader lists it."""
    key = f"archive/{name}"
    answer = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return {
        "Key": key,
        "Etag": answer["ETag"],
        "Size": len(body),
        "LastModified": 1,
        "StorageClass": "STANDARD",
    }


def run(pipeline: Pipeline, *items: Item, **of_batch: Any) -> PartOutcome:
    return PartRun(pipeline, batch(**of_batch), load_task(TASK)).run(items)


def counts(outcome: Mapping[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: count for name, count in outcome.items() if isinstance(count, int) and count}


def codes(outcome: PartOutcome) -> list[str]:
    return [failure["code"] for failure in outcome["failures"]]


def with_model(pipeline: Pipeline, folder: Path, **changes: Any) -> Pipeline:
    """The same pipeline with another model."""
    write_package(folder / TASK, **changes)
    classifier = Classifier({}, lambda: None, folder)
    return Pipeline(pipeline.bucket, pipeline.table, classifier, pipeline.tasks, pipeline.decoder)


def test_part_classifies_each_image_once(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    items = [archived(f"ward {number}/é.png", images.grey_file(height=100 + number)) for number in range(3)]

    first, second = run(pipeline, *items), run(pipeline, *items)

    assert counts(first) == counts(second) == {"classified": 3}
    page, _ = pipeline.table.page()
    assert sorted(result["source"]["rows"] for result in page if result["source"]) == [100, 101, 102]
    assert {(result["status"], result["arrival"]) for result in page} == {("classified", "archive")}
    for result in page:
        image = pipeline.prepared_image(pipeline.table.get(result["id"]))
        assert image.source == result["source"]
        assert image.picture
    assert len(stored_keys("results/")) == 3
    assert stored_keys("archive/") == [item["Key"] for item in items]
    assert metric_count(capsys, "Classified") == 3
    assert "ward" not in caplog.text


def test_event_of_an_array_runs_no_model(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part has stored the result before, so the Lambda `classify` has nothing to do."""
    run(pipeline, archived("a.png", images.grey_file()))
    monkeypatch.setattr(Classifier, "classify", lambda *_: pytest.fail("the image has its result"))

    pipeline.classify(stored_keys("prepared/"))


def test_images_of_the_current_model_are_left_alone(pipeline: Pipeline) -> None:
    item = archived("a.png", images.grey_file())
    run(pipeline, item)
    (before,) = pipeline.table.page()[0]

    assert counts(run(pipeline, item, requested_at=LATER)) == {"current": 1}

    assert pipeline.table.page()[0] == [before]


def test_files_that_cannot_be_used_are_counted_with_their_reason(pipeline: Pipeline) -> None:
    good = archived("good.png", images.grey_file())
    letter = archived("Doe, Jane/letter.txt", b"Dear colleague,")
    folder = {"Key": "archive/ward/", "Etag": '"x"', "Size": 0}
    large = {"Key": "archive/large.dcm", "Etag": '"x"', "Size": 10**12}
    replaced = {**archived("replaced.png", images.grey_file(height=111)), "Etag": f'"{"0" * 32}"'}

    outcome = run(
        pipeline, letter, good, folder, large, replaced, {"Path": "no key"}, {"Key": "inbox/x/a.png"}
    )

    assert counts(outcome) == {"classified": 1, "skipped": 1}
    assert sorted(codes(outcome)) == sorted(
        ["NotAnImage", "ImageTooLarge", "FileRemoved", "InvalidRequest", "InvalidRequest"]
    )
    (failure,) = [one for one in outcome["failures"] if one["code"] == "NotAnImage"]
    assert failure["key"] == letter["Key"]
    assert "Doe" not in failure["message"]
    assert len(pipeline.table.page()[0]) == 1


def test_lists_name_files_by_key_alone(pipeline: Pipeline) -> None:
    key = archived("a.png", images.grey_file())["Key"]

    outcome = run(pipeline, {"Key": key, "Patient": "1"}, {"Key": "archive/gone.png"}, kind="list")

    assert (counts(outcome), codes(outcome)) == ({"classified": 1}, ["FileRemoved"])
    # The image is the same, however it was found.
    assert counts(run(pipeline, archived("a.png", images.grey_file()))) == {"classified": 1}
    assert len(pipeline.table.page()[0]) == 1


@pytest.mark.parametrize("size", ["", "1.2 MB", "12,345", "-", "²"])
def test_size_in_a_list_may_be_anything(pipeline: Pipeline, size: str) -> None:
    item = {"Key": archived("a.png", images.grey_file())["Key"], "Size": size}

    assert counts(run(pipeline, item, kind="list")) == {"classified": 1}


def test_same_file_in_two_places_is_two_images(pipeline: Pipeline) -> None:
    body = images.grey_file()

    assert counts(run(pipeline, archived("a.png", body), archived("b.png", body))) == {"classified": 2}
    assert len(pipeline.table.page()[0]) == 2


def test_images_are_classified_again_with_a_newer_model(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = images.grey_file()
    run(pipeline, archived("a.png", grey), archived("b.png", images.grey_file(height=120)))
    before = {result["id"]: pipeline.table.get(result["id"]) for result in pipeline.table.page()[0]}
    reviewed = next(iter(before))
    pipeline.decisions.review(reviewed, add_reading(review_by("me")))
    newer = with_model(pipeline, tmp_path / "newer", version="newer")
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("arrays are kept"))
    items = [{"Key": key, "Etag": "x", "Size": 1} for key in stored_keys(f"prepared/{TASK}/")]

    outcome = run(newer, *items, kind="again", requested_at=timestamps.now())

    assert counts(outcome) == {"classified": 2}
    after = {image_id: newer.table.get(image_id) for image_id in before}
    for image_id, result in after.items():
        model, earlier = result["model"], before[image_id]["model"]
        assert model
        assert earlier
        assert model["sha256"] != earlier["sha256"]
        assert result["created_at"] == before[image_id]["created_at"]
        assert result["picture"] == before[image_id]["picture"]
    assert after[reviewed]["review"]
    assert counts(run(newer, *items, kind="again", requested_at=LATER)) == {"current": 2}


def with_old_array(pipeline: Pipeline, body: bytes) -> Item:
    """An archived image that was classified when its task took smaller images."""
    item = archived("old.png", body)
    run(pipeline, item)
    (key,) = stored_keys("prepared/")
    _, image_id = inbox.parse_prepared_key(key)
    array = prepared.load(pipeline.bucket, TASK, image_id)
    prepared.store(pipeline.bucket, TASK, image_id, replace(array, pixels=array.pixels[:, ::2, ::2]))
    return item


def test_archived_image_of_another_input_is_decoded_again(pipeline: Pipeline, tmp_path: Path) -> None:
    body = images.grey_file()
    old, new = with_old_array(pipeline, body), archived("new.png", images.grey_file(height=120))
    newer = with_model(pipeline, tmp_path / "newer", version="newer")

    assert counts(run(newer, old, new, requested_at=timestamps.now())) == {"classified": 2}

    for key in stored_keys("prepared/"):
        array = prepared.load(pipeline.bucket, *inbox.parse_prepared_key(key))
        assert array.pixels.shape == load_task(TASK).input.shape


def test_prepared_image_of_another_input_stops_no_other(pipeline: Pipeline, tmp_path: Path) -> None:
    with_old_array(pipeline, images.grey_file())
    run(pipeline, archived("new.png", images.grey_file(height=120)))
    newer = with_model(pipeline, tmp_path / "newer", version="newer")
    items = [{"Key": key} for key in stored_keys("prepared/")]

    outcome = run(newer, *items, kind="again", requested_at=timestamps.now())

    assert counts(outcome) == {"classified": 1}
    assert codes(outcome) == ["InvalidRequest"]
    assert "Send the file again" in outcome["failures"][0]["message"]


def test_prepared_image_of_another_file_gets_no_answer(pipeline: Pipeline, tmp_path: Path) -> None:
    item = archived("a.png", images.grey_file())
    run(pipeline, item)
    (key,) = stored_keys("prepared/")
    _, image_id = inbox.parse_prepared_key(key)
    before = pipeline.table.get(image_id)
    array = prepared.load(pipeline.bucket, TASK, image_id)
    assert array.picture
    other = replace(array, picture=array.picture | {"sha256": "0" * 64})
    prepared.store(pipeline.bucket, TASK, image_id, other)
    newer = with_model(pipeline, tmp_path / "newer", version="newer")

    outcome = run(newer, {"Key": key}, kind="again", requested_at=timestamps.now())

    assert codes(outcome) == ["FileRemoved"]
    assert newer.table.get(image_id) == before
    # With the file at hand, it is decoded again.
    assert counts(run(newer, item, requested_at=LATER)) == {"classified": 1}
    assert newer.prepared_image(newer.table.get(image_id)).is_input_of(before)


def test_changed_classes_are_recorded(pipeline: Pipeline, tmp_path: Path) -> None:
    run(pipeline, archived("a.png", images.grey_file()), archived("b.png", images.grey_file(height=120)))
    keys = stored_keys("prepared/")
    _, changed = inbox.parse_prepared_key(keys[0])
    before = pipeline.table.get(changed)["label"]
    array = prepared.load(pipeline.bucket, TASK, changed)
    black = replace(array, pixels=np.zeros_like(array.pixels))
    prepared.store(pipeline.bucket, TASK, changed, black)
    newer = with_model(pipeline, tmp_path / "newer", version="newer")

    run(newer, *[{"Key": key} for key in keys], kind="again", requested_at=timestamps.now())

    after = newer.table.get(changed)["label"]
    assert before != after
    assert stored_keys("batches/") == [f"batches/batch-1/changes/{before}/{after}/{changed}"]


def test_prepared_images_without_a_classification_are_skipped(pipeline: Pipeline) -> None:
    items = [{"Key": f"prepared/{TASK}/{'0' * 32}.npy"}, {"Key": f"prepared/{TASK}/"}]

    assert counts(run(pipeline, *items, kind="again")) == {"skipped": 2}


def test_deleted_results_stay_deleted(pipeline: Pipeline) -> None:
    item = archived("a.png", images.grey_file())
    run(pipeline, item)
    (result,) = pipeline.table.page()[0]
    Removal(pipeline.decisions, Audit(pipeline.bucket)).delete(result["id"], "me")

    assert counts(run(pipeline, item)) == {"deleted": 1}
    assert pipeline.table.page()[0] == []


def test_decoder_that_cannot_be_asked_ends_the_part(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step Functions repeats it."""
    items = [archived("a.png", images.grey_file()), archived("b.png", images.grey_file(height=120))]

    def refuse(*_: Any) -> None:
        raise DecoderUnavailable("Images cannot be decoded now.")

    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "decode", refuse)
        with pytest.raises(DecoderUnavailable):
            run(pipeline, *items)

    assert counts(run(pipeline, *items)) == {"classified": 2}


def test_image_is_decoded_again_before_it_counts_as_a_failure(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, failures = Decoder.decode, [1, 2]

    def fail_at_first(*given: Any) -> Any:
        if failures:
            failures.pop()
            raise DecodingFailed("It crashed.")
        return decode(*given)

    monkeypatch.setattr(Decoder, "decode", fail_at_first)
    item = archived("a.png", images.grey_file())

    assert codes(run(pipeline, item)) == ["DecodingFailed"]
    failures.append(1)
    assert counts(run(pipeline, item)) == {"classified": 1}


def test_task_without_a_model_is_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    bare = Pipeline(
        pipeline.bucket,
        pipeline.table,
        Classifier({}, lambda: None, tmp_path / "none"),
        pipeline.tasks,
        pipeline.decoder,
    )
    with pytest.raises(TaskHasNoModel):
        run(bare, archived("a.png", images.grey_file()))
