"""Prepared arrays in the bucket."""

import numpy as np
import pytest

from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.storage.inbox import (
    prepared_key,
)
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import TASK_, drop, stored_keys

pytestmark = pytest.mark.usefixtures("cloud")


def test_repeated_request_writes_a_missing_array(pipeline: Pipeline) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.bucket.delete(prepared_key(TASK, first["id"]))
    pipeline.classify_now(TASK_, images.grey_file())
    assert stored_keys("prepared/") == [prepared_key(TASK, first["id"])]


def test_prepared_array_equals_that_of_training(pipeline: Pipeline) -> None:
    from chalicelib.imaging import prepare

    data = images.grey_file("JPEG", height=500, width=333)
    dropped = drop(f"inbox/{TASK}/a.jpg", data)
    pipeline.prepare(dropped)
    stored = PreparedArray.unpack(pipeline.bucket.read(prepared_key(TASK, dropped.id)))
    np.testing.assert_array_equal(stored.pixels, prepare(data, TASK_.input).pixels)
