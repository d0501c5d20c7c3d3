"""The transform job of a pass: the model that the task's endpoint serves, under a name of its own."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.batches.batch import TransformPlan
from chalicelib.batches.transform import TransformPlanner
from chalicelib.errors import EndpointMissing
from chalicelib.models.classifier import Classifier
from chalicelib.models.deployed_models import DeployedModels
from chalicelib.models.registry import Registry
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.tasks import EndpointSpec, load_task
from tests import images
from tests.models import TASK
from tests.registry import archive, facts
from tests.unit.batches.test_part import archived
from tests.unit.batches.transforms import prepare, transformed

pytestmark = pytest.mark.usefixtures("cloud")
LONGEST_STAGE = "abcdefghijk"


def plan(pipeline: Pipeline, execution: str = "batch-1.1") -> TransformPlan:
    return TransformPlanner(pipeline, LONGEST_STAGE).plan(transformed(), load_task(TASK), execution)


def deployed(pipeline: Pipeline, folder: Path, endpoint: str | None, **named: EndpointSpec) -> Pipeline:
    """The pipeline with a version in the registry."""
    registry = Registry(pipeline.bucket)
    registry.add(TASK, archive("1"), {})
    registry.promote(TASK, "1", endpoint, "config-1" if endpoint else None)
    classifier = Classifier(named, lambda: None, folder, deployed=DeployedModels(registry))
    return replace(pipeline, classifier=classifier)


def test_job_runs_the_model_of_the_endpoint(pipeline: Pipeline, tmp_path: Path) -> None:
    prepare(pipeline, archived("a.png", images.grey_file()))
    served = deployed(pipeline, tmp_path, "endpoint-1")

    first = plan(served)

    assert first["images"]
    assert (first["model"], first["sha256"]) == ("config-1", facts("1")["sha256"])
    # SageMaker API reference, CreateTransformJob; the role of the state machine names the beginning.
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", first["job"])
    assert first["job"].startswith(f"negatoscope-{LONGEST_STAGE}-batch-")
    assert plan(served) == first
    assert plan(served, "batch-1.2")["job"] != first["job"]


def test_nothing_prepared_needs_no_job(pipeline: Pipeline) -> None:
    assert plan(pipeline) == {"images": False}


def test_task_without_an_endpoint_has_no_job(pipeline: Pipeline, tmp_path: Path) -> None:
    prepare(pipeline, archived("a.png", images.grey_file()))
    with pytest.raises(EndpointMissing, match="Resume the batch"):
        plan(pipeline)
    with pytest.raises(EndpointMissing):
        plan(deployed(pipeline, tmp_path, None))
    # The model of an endpoint that people have named can change at any time, and may be in another account.
    named = {TASK: EndpointSpec("theirs", "negatoscope")}
    with pytest.raises(EndpointMissing):
        plan(deployed(pipeline, tmp_path, "endpoint-1", **named))
