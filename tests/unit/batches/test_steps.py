"""The steps of batches, as the state machine calls them."""

from typing import Any

import pytest

from chalicelib.batches.steps import BatchSteps
from chalicelib.errors import InvalidRequest, UnknownTask
from chalicelib.pipeline.pipeline import Pipeline
from tests import images
from tests.unit.batches.test_part import archived, batch, counts
from tests.unit.batches.test_report import executions, write


def test_steps_classify_and_report(pipeline: Pipeline) -> None:
    steps = BatchSteps(pipeline)
    item = archived("a.png", images.grey_file())

    outcome = steps.run({"step": "classify", "batch": batch(), "items": [item]})
    report = steps.run({"step": "report", "batch": batch(), "manifest": write(SUCCEEDED=executions(outcome))})

    assert counts(outcome) == {"classified": 1}
    assert (report["images"], report["classified"]) == (1, 1)


@pytest.mark.parametrize(
    ("wrong", "error"), [({"task": "feet"}, UnknownTask), ({"name": "a/../b"}, InvalidRequest)]
)
def test_input_of_an_execution_is_checked(pipeline: Pipeline, wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        BatchSteps(pipeline).run({"step": "classify", "batch": batch() | wrong, "items": []})
