"""Estimates of batches."""

from typing import Any

import boto3
import pytest

from chalicelib.batches import estimate
from chalicelib.batches.estimate import DOLLARS, INSTANCE_DOLLARS, INSTANCE_SECONDS, SECONDS, Estimator
from chalicelib.batches.record import Estimate
from chalicelib.batches.request import parse_request
from chalicelib.errors import InvalidRequest
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from deploy import costs
from statemachine.batch import PART_IMAGES
from tests.models import TASK
from tests.stage import BUCKET


def estimated(*, by_job: bool = False, **request: Any) -> Estimate:
    """The estimate of a request."""
    task = load_task(TASK)
    return Estimator(DataBucket(boto3.client("s3"), BUCKET)).estimate(
        parse_request({"task": TASK, **request}, task), transform=by_job
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
        "transform": False,
    }


@pytest.mark.usefixtures("cloud")
def test_transform_job_costs_the_hours_of_its_instance() -> None:
    for number in range(3):
        put(f"archive/{number}.png")
    alone = estimated(source="archive/", concurrency=1)

    found = estimated(source="archive/", concurrency=1, by_job=True)

    hours = (INSTANCE_SECONDS["start"] + 3 * INSTANCE_SECONDS["image"]) / 3600
    more = 3 * DOLLARS["transformed"] + hours * INSTANCE_DOLLARS
    assert found["transform"]
    assert found["dollars"] == pytest.approx((alone["dollars"] or 0) + more, abs=1e-4)
    assert found["seconds"] == pytest.approx(
        (alone["seconds"] or 0) + 3 * SECONDS["transformed"] + hours * 3600, abs=0.1
    )


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
        unknown = {"images": None, "complete": False, "dollars": None, "seconds": None, "transform": False}
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


def test_dollars_follow_from_the_price_list() -> None:
    prices = costs.PriceList()
    listed = {
        "decoded": costs.batch_image(prices, SECONDS["decoded"], PART_IMAGES, decoded=True),
        "prepared": costs.batch_image(prices, SECONDS["prepared"], PART_IMAGES, decoded=False),
        "transformed": costs.transformed_image(prices, SECONDS["transformed"], PART_IMAGES),
    }

    assert pytest.approx(listed, rel=0.05) == DOLLARS
    assert costs.transform_instance(prices) == INSTANCE_DOLLARS
