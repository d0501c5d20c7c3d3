"""Answers of transform jobs: each image gets one result, from the model that the job has run."""

import json
from pathlib import Path

import boto3
import pytest

from chalicelib.batches.locations import ANSWERS, ARRAYS
from chalicelib.batches.part import PartRun
from chalicelib.models.package import ModelPackage
from chalicelib.pipeline import prepared
from chalicelib.pipeline.decoder import Decoder
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results.removal import Removal
from chalicelib.storage.audit import Audit
from chalicelib.tasks import load_task
from tests import images
from tests.models import TASK, write_package
from tests.stage import BUCKET
from tests.unit.batches.test_part import LATER, archived, codes, counts, run, with_model
from tests.unit.batches.transforms import prepare, record, transform, transformed
from tests.unit.pipeline.steps import stored_keys

pytestmark = pytest.mark.usefixtures("cloud")

GONE: list[str] = []


@pytest.fixture
def package(tmp_path: Path, pipeline: Pipeline) -> Path:
    """The package of the pipeline's model."""
    return tmp_path / TASK


def digest(package: Path) -> str:
    return ModelPackage.load(package).sha256


def waiting() -> list[str]:
    """The objects that are to be removed before the end."""
    return stored_keys(ARRAYS.format("batch-1")) + stored_keys(ANSWERS.format("batch-1"))


def test_images_are_prepared_transformed_and_recorded_once(pipeline: Pipeline, package: Path) -> None:
    items = [archived(f"{number}.png", images.grey_file(height=100 + number)) for number in range(3)]

    first = prepare(pipeline, *items, archived("letter.txt", b"Dear colleague,"))

    assert counts(first) == {}
    assert sorted(first["prepared"].values()) == [item["Key"] for item in items]
    assert sorted(first["prepared"]) == stored_keys(ARRAYS.format("batch-1"))
    assert codes(first) == ["NotAnImage"]
    assert pipeline.table.page()[0] == []

    transform(package)
    keys = [*first["prepared"]]
    assert counts(record(pipeline, digest(package), *keys)) == {"classified": 3}

    assert waiting() == GONE
    page, _ = pipeline.table.page()
    assert sorted(result["source"]["rows"] for result in page if result["source"]) == [100, 101, 102]
    for listed in page:
        result = pipeline.table.get(listed["id"])
        assert result["model"]
        assert (result["model"]["backend"], result["model"]["sha256"]) == ("transform", digest(package))
        assert result["heatmap"]
        assert pipeline.prepared_image(result).picture
    # Step Functions may run both parts again.
    assert counts(record(pipeline, digest(package), *keys)) == {"classified": 3}
    assert counts(prepare(pipeline, *items)) == {"classified": 3}
    assert stored_keys("results/") == [
        f"results/{TASK}/{one['id']}.json" for one in sorted(page, key=lambda one: one["id"])
    ]


def test_answer_is_the_one_of_lambdas(pipeline: Pipeline, package: Path) -> None:
    item = archived("a.png", images.grey_file())
    prepare(pipeline, item)
    transform(package)
    record(pipeline, digest(package))
    (transformed_result,) = pipeline.table.page()[0]
    other = archived("b.png", images.grey_file())

    run(pipeline, other)

    (classified,) = [one for one in pipeline.table.page()[0] if one["id"] != transformed_result["id"]]
    for member in ("label", "probability", "probabilities", "needs_review", "reasons", "distance"):
        assert transformed_result[member] == classified[member], member


def test_image_without_an_answer_waits_for_another_pass(
    pipeline: Pipeline, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [archived(f"{number}.png", images.grey_file(height=100 + number)) for number in range(2)]
    prepare(pipeline, *items)
    transform(package)
    lost = stored_keys(ANSWERS.format("batch-1"))[0]
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=lost)

    outcome = record(pipeline, digest(package))

    assert (counts(outcome), codes(outcome)) == ({"classified": 1}, ["NotProcessed"])
    (array,) = waiting()
    assert outcome["failures"][0]["key"] == array
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("it is prepared"))
    again = prepare(pipeline, *items)
    assert (counts(again), [*again["prepared"]]) == ({"classified": 1}, [array])
    transform(package)
    assert counts(record(pipeline, digest(package))) == {"classified": 1}
    assert waiting() == GONE


def test_lambdas_finish_what_waits_when_the_endpoint_has_gone(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = archived("a.png", images.grey_file())
    prepare(pipeline, item)
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("it is prepared"))

    outcome = PartRun(pipeline, {**transformed(), "transform": False}, load_task(TASK)).run([item])

    assert counts(outcome) == {"classified": 1}
    assert waiting() == GONE
    assert len(pipeline.table.page()[0]) == 1


@pytest.mark.parametrize("step", ["prepare", "record"])
def test_result_without_array_gets_it(pipeline: Pipeline, package: Path, step: str) -> None:
    """A run was interrupted between the two."""
    item = archived("a.png", images.grey_file())
    prepare(pipeline, item)
    transform(package)
    (key,) = stored_keys(ARRAYS.format("batch-1"))
    array = pipeline.bucket.read(key)
    record(pipeline, digest(package))
    (result,) = pipeline.table.page()[0]
    pipeline.bucket.delete(f"prepared/{TASK}/{result['id']}.npy")
    pipeline.bucket.write(key, array.body, "application/x-npy", array.metadata)

    outcome = record(pipeline, digest(package)) if step == "record" else prepare(pipeline, item)

    assert counts(outcome) == {"classified": 1}
    assert prepared.is_stored(pipeline.bucket, pipeline.table.get(result["id"]))
    assert waiting() == GONE


def test_answers_of_another_model_are_not_recorded(pipeline: Pipeline, package: Path, tmp_path: Path) -> None:
    prepare(pipeline, archived("a.png", images.grey_file()))
    transform(write_package(tmp_path / "other", version="other"))

    outcome = record(pipeline, digest(package))

    assert codes(outcome) == ["ModelFailed"]
    assert "other" in outcome["failures"][0]["message"]
    assert pipeline.table.page()[0] == []
    assert len(waiting()) == 2


@pytest.mark.parametrize("answer", [b"no JSON", b"{}", b"[]"])
def test_damaged_answers_are_not_recorded(pipeline: Pipeline, package: Path, answer: bytes) -> None:
    prepare(pipeline, archived("a.png", images.grey_file()))
    transform(package)
    (key,) = stored_keys(ANSWERS.format("batch-1"))
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=answer)

    assert codes(record(pipeline, digest(package))) == ["ModelFailed"]


def test_images_that_were_classified_in_the_meantime_are_left_alone(
    pipeline: Pipeline, package: Path
) -> None:
    item = archived("a.png", images.grey_file())
    prepare(pipeline, item)
    transform(package)
    run(pipeline, item)
    (before,) = pipeline.table.page()[0]

    assert counts(record(pipeline, digest(package))) == {"classified": 1}
    assert pipeline.table.page()[0] == [before]
    assert waiting() == GONE


def test_images_that_were_deleted_in_the_meantime_stay_deleted(pipeline: Pipeline, package: Path) -> None:
    item = archived("a.png", images.grey_file())
    prepare(pipeline, item)
    transform(package)
    run(pipeline, item)
    (result,) = pipeline.table.page()[0]
    Removal(pipeline.decisions, Audit(pipeline.bucket)).delete(result["id"], "me")

    assert counts(record(pipeline, digest(package))) == {"deleted": 1}
    assert pipeline.table.page()[0] == []
    assert waiting() == GONE


def test_images_are_classified_again_by_a_transform_job(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pipeline, archived("a.png", images.grey_file()))
    (before,) = pipeline.table.page()[0]
    newer = with_model(pipeline, tmp_path / "newer", version="newer")
    package = tmp_path / "newer" / TASK
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("arrays are kept"))
    again = {"kind": "again", "requested_at": LATER}
    items = [{"Key": key} for key in stored_keys(f"prepared/{TASK}/")]

    prepare(newer, *items, **again)
    transform(package)

    assert counts(record(newer, digest(package), **again)) == {"classified": 1}
    after = newer.table.get(before["id"])
    assert after["model"]
    assert (after["model"]["version"], after["created_at"]) == ("newer", before["created_at"])
    assert waiting() == GONE


def test_other_objects_are_skipped(pipeline: Pipeline) -> None:
    key = f"{ARRAYS.format('batch-1')}README"
    assert counts(record(pipeline, "9" * 64, key)) == {"skipped": 1}
    gone = record(pipeline, "9" * 64, f"{ARRAYS.format('batch-1')}{'0' * 32}.npy")
    assert codes(gone) == ["FileRemoved"]
    assert json.dumps(gone)
