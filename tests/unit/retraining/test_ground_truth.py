"""Reviews as labels for training."""

import json
from typing import Any, cast

from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from chalicelib.retraining import ground_truth
from chalicelib.tasks import load_task
from tests.models import TASK

WHEN = "2026-01-01T00:00:00.000000Z"


def result(number: int, status: str = result_document.CLASSIFIED, review: str | None = "left-cc") -> Result:
    image_id = f"{number:032x}"
    given = {"label": review, "comment": "Mrs Example", "reviewed_at": WHEN, "reviewer": "someone"}
    received = result_document.received(image_id, TASK, "upload")
    return cast(Result, {**received, "status": status, "review": given if review else None})


def lines(*found: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ground_truth.manifest(load_task(TASK), found, "bucket")]


def test_manifest_has_lines_in_the_format_of_ground_truth() -> None:
    (line,) = lines(result(7, review="right-cc"))

    assert line["source-ref"] == f"s3://bucket/prepared/{TASK}/{7:032x}.npy"
    assert line["review"] == load_task(TASK).class_names.index("right-cc")
    assert line["review-metadata"]["class-name"] == "right-cc"
    assert line["review-metadata"]["creation-date"] == WHEN
    assert line["review-metadata"]["type"] == "groundtruth/image-classification"


def test_manifest_has_only_classified_images_with_a_usable_review() -> None:
    found = lines(
        result(1, review=None),
        result(2, status=result_document.QUARANTINED),
        result(3, review="class-of-old"),
        result(4),
    )

    assert [line["source-ref"][-5:-4] for line in found] == ["4"]


def test_manifest_has_neither_comment_nor_reviewer() -> None:
    written = "".join(ground_truth.manifest(load_task(TASK), [result(1)], "bucket"))

    assert "Example" not in written
    assert "someone" not in written
