"""The smoke test before a promotion."""

import json
from collections.abc import Iterator
from io import BytesIO

import boto3
import numpy as np
import pytest

from chalicelib.errors import EndpointNotReady, ModelFailed
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.thresholds import Thresholds
from chalicelib.retraining.smoke_test import PER_CLASS, KnownImage, known_images, run_smoke_test
from chalicelib.storage.bucket import DataBucket
from tests.stage import BUCKET

SHA = "a" * 64
EXPECTED = (0.75, 0.25)


class Served:
    """Answers with given probabilities."""

    def __init__(self, probabilities: tuple[float, ...] = EXPECTED, sha256: str = SHA) -> None:
        self.probabilities = probabilities
        self.sha256 = sha256

    def run(self, images: Pixels) -> ModelOutputs:
        assert images.shape == (1, 1, 4, 4)
        answer = np.array([self.probabilities], np.float32)
        return ModelOutputs(answer, None, None, Thresholds(), ModelIdentity("7", self.sha256, "endpoint"))


class Broken:
    def run(self, _images: Pixels) -> ModelOutputs:
        raise ModelFailed("It is broken.")


class Silent:
    def run(self, _images: Pixels) -> ModelOutputs:
        raise EndpointNotReady("The endpoint is starting.")


def images(count: int = 3) -> Iterator[KnownImage]:
    return iter([KnownImage(np.zeros((1, 4, 4), np.uint8), EXPECTED)] * count)


def test_same_answers_pass() -> None:
    tested = run_smoke_test(Served((0.7502, 0.2498)), images(), SHA)

    assert (tested["passed"], tested["reason"], tested["images"]) == (True, None, 3)


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (Served((0.25, 0.75)), "differ by 0.500"),
        (Served((float("nan"), 0.25)), "differ by nan"),
        (Served(sha256="b" * 64), "Another model answered, 7"),
        (Broken(), "did not answer: It is broken"),
    ],
)
def test_other_answers_fail(served: Served | Broken, reason: str) -> None:
    tested = run_smoke_test(served, images(), SHA)

    assert not tested["passed"]
    assert reason in str(tested["reason"])


def test_endpoint_that_is_not_ready_raises() -> None:
    with pytest.raises(EndpointNotReady):
        run_smoke_test(Silent(), images(), SHA)


def test_no_images_fail() -> None:
    assert not run_smoke_test(Served(), images(0), SHA)["passed"]


def test_only_the_first_answer_may_be_slow() -> None:
    def clock(*moments: float) -> Iterator[float]:
        yield from moments

    waking, slow = clock(0, 30, 30, 31), clock(0, 1, 1, 31)

    assert run_smoke_test(Served(), images(2), SHA, waking.__next__)["slowest_ms"] == 1000
    assert "30.0 s" in str(run_smoke_test(Served(), images(2), SHA, slow.__next__)["reason"])


@pytest.mark.usefixtures("cloud")
def test_known_images_are_test_images_of_every_class() -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    rows = ["path,sha256,class,group,part"]
    for number in range(12):
        name, part = "ab"[number % 2], "test" if number > 3 else "train"
        rows.append(f"x/{number}.png,{number:064},{name},{number},{part}")
        array = BytesIO()
        np.save(array, np.full((1, 4, 4), number, np.uint8))
        bucket.write(f"run/data/test/{number:064}.npy", array.getvalue(), "application/x-npy")
        answer = json.dumps({"probabilities": [[number / 100, 1 - number / 100]]}).encode()
        bucket.write(f"run/answers/{number:064}.npy.out", answer, "application/json")
    bucket.write("run/data/manifest.csv", "\n".join(rows).encode(), "text/csv")

    known = list(known_images(bucket, "run/"))

    assert [int(image.pixels[0, 0, 0]) for image in known] == [4, 5, 6, 7]
    assert known[0].probabilities == (0.04, 0.96)
    assert len(known) == 2 * PER_CLASS
