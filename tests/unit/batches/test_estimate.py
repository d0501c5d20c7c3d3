"""Estimates of batches."""

from typing import Any

import boto3
import pytest

from chalicelib.batches import estimate
from chalicelib.batches.estimate import DOLLARS, SECONDS, Estimator
from chalicelib.batches.record import Estimate
from chalicelib.batches.request import parse_request
from chalicelib.errors import InvalidRequest
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from deploy import costs
from statemachine.batch import PART_IMAGES
from tests.models import TASK
from tests.stage import BUCKET


def estimated(**request: Any) -> Estimate:
    """The estimate of a request."""
    task = load_task(TASK)
    return Estimator(DataBucket(boto3.client("s3"), BUCKET)).estimate(
        parse_request({"task": TASK, **request}, task)
    )


def put(key: str, body: bytes = b"x") -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.mark.usefixtures("cloud")
def test_images_of_a_folder_are_counted() -> None:
    for key in ("archive/a/", "archive/a/1.png", "archive/a/b/2.png", "archive/other.png"):
        put(key)

    found = estimated(source="archive/a/", concurrency=2)

    assert found == {
        "images": 2,
        "complete": True,
        "dollars": round(2 * DOLLARS["decoded"], 4),
        "seconds": round(2 * SECONDS["decoded"] / 2, 1),
    }


@pytest.mark.usefixtures("cloud")
def test_lines_of_a_list_are_counted() -> None:
    put("archive/list.csv", b'"Key","Patient"\n"archive/1.png",1\n\n"archive/2.png",2\n')
    put("archive/list.csv.old")

    assert estimated(source="archive/list.csv")["images"] == 2


@pytest.mark.usefixtures("cloud")
def test_long_lists_and_inventories_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "MAX_LIST_BYTES", 3)
    put("archive/list.csv", b"Key\nx\n")
    put("archive/manifest.json", b"{}")

    for source in ("archive/list.csv", "archive/manifest.json"):
        unknown = {"images": None, "complete": False, "dollars": None, "seconds": None}
        assert estimated(source=source) == unknown


@pytest.mark.usefixtures("cloud")
def test_counting_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataBucket, "sizes", lambda *_: ((f"archive/{number}", 1) for number in range(5000)))
    monkeypatch.setattr(estimate, "MAX_SECONDS", -1)

    found = estimated(source="archive/")

    assert (found["images"], found["complete"]) == (1000, False)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("archive/none/", "no images"),
        ("archive/none.csv", "no such file"),
        ("archive/bad.csv", "one must be Key"),
        ("archive/x/manifest.json", "no such file"),
    ],
)
def test_sources_with_nothing_are_refused(source: str, message: str) -> None:
    put("archive/bad.csv", b"archive/1.png\n")

    with pytest.raises(InvalidRequest, match=message):
        estimated(source=source)


@pytest.mark.parametrize("way", DOLLARS)
def test_dollars_follow_from_the_price_list(way: str) -> None:
    listed = costs.batch_image(costs.PriceList(), SECONDS[way], PART_IMAGES, decoded=way == "decoded")

    assert DOLLARS[way] == pytest.approx(listed, rel=0.05)
