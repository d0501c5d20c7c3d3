"""The steps of batches, as the state machine calls them."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.batches.locations import ARRAYS
from chalicelib.batches.steps import BatchSteps
from chalicelib.errors import EndpointMissing, InvalidRequest, UnknownTask
from chalicelib.models.package import ModelPackage
from chalicelib.pipeline.pipeline import Pipeline
from tests import images
from tests.models import TASK
from tests.unit.batches.test_part import archived, batch, counts
from tests.unit.batches.test_report import executions, write
from tests.unit.batches.transforms import transform, transformed
from tests.unit.pipeline.steps import stored_keys


def test_steps_classify_and_report(pipeline: Pipeline) -> None:
    steps = BatchSteps(pipeline, "test")
    item = archived("a.png", images.grey_file())

    outcome = steps.run({"step": "classify", "batch": batch(), "items": [item]})
    report = steps.run({"step": "report", "batch": batch(), "manifest": write(SUCCEEDED=executions(outcome))})

    assert counts(outcome) == {"classified": 1}
    assert (report["images"], report["classified"]) == (1, 1)


def test_steps_record_what_a_transform_job_has_answered(pipeline: Pipeline, tmp_path: Path) -> None:
    steps, given = BatchSteps(pipeline, "test"), transformed()
    steps.run({"step": "classify", "batch": given, "items": [archived("a.png", images.grey_file())]})
    transform(tmp_path / TASK)
    keys = [{"Key": key} for key in stored_keys(ARRAYS.format("batch-1"))]
    sha256 = ModelPackage.load(tmp_path / TASK).sha256

    with pytest.raises(EndpointMissing):
        steps.run({"step": "plan", "batch": given, "execution": "batch-1.1"})
    planned = {**given, "plan": {"images": True, "sha256": sha256}}
    assert counts(steps.run({"step": "record", "batch": planned, "items": keys})) == {"classified": 1}
    assert steps.run({"step": "plan", "batch": given, "execution": "batch-1.1"}) == {"images": False}


@pytest.mark.parametrize(
    ("wrong", "error"), [({"task": "feet"}, UnknownTask), ({"name": "a/../b"}, InvalidRequest)]
)
def test_input_of_an_execution_is_checked(pipeline: Pipeline, wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        BatchSteps(pipeline, "test").run({"step": "classify", "batch": batch() | wrong, "items": []})
