"""The state machine of a batch: generated, valid, and of parts that a Lambda can finish."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from chalicelib.batches.locations import ANSWERS, ARRAYS
from chalicelib.batches.part import READERS, TRIES
from chalicelib.pipeline.decoder import IN_THE_BACKGROUND
from statemachine.batch import DEFINITION, PART_IMAGES
from statemachine.requests import CREATE_ENDPOINT_CONFIG, CREATE_MODEL
from tests.asl import Execution, TaskFailed
from tests.cloud import BATCHES, template
from tests.stage import ROOT
from tests.unit.batches.test_part import batch
from tests.unit.statemachine.test_definition import lint

FILE = ROOT / "statemachine" / "batch.asl.json"
MAPS = {name: state for name, state in DEFINITION["States"].items() if state["Type"] == "Map"}


def test_definition_that_is_deployed_is_current() -> None:
    assert FILE.read_text() == json.dumps(DEFINITION, indent=2) + "\n", "run `make generate`"


def test_definition_is_valid_with_the_substitutions_of_the_template(tmp_path: Path) -> None:
    text = FILE.read_text()
    properties = template(BATCHES)["Resources"]["StateMachine"]["Properties"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == properties["DefinitionSubstitutions"].keys()
    assert "arn:aws" not in text, "China and GovCloud are partitions of their own"
    filled = text.replace("${Partition}", "aws").replace("${DataBucket}", "bucket")
    filled = re.sub(r"\$\{\w+\}", "arn:aws:lambda:eu-central-1:123456789012:function:x", filled)

    assert lint(filled, tmp_path) == []
    assert lint(filled.replace('"ItemReader"', '"ItemReeder"'), tmp_path) != []


def test_each_source_is_read_in_the_same_way() -> None:
    assert len(MAPS) == 4
    for state in MAPS.values():
        (part,) = state["ItemProcessor"]["States"].values()
        assert part["Retry"]
        assert state["MaxConcurrencyPath"] == "$.concurrency"
    read = {state["ItemReader"].get("ReaderConfig", {}).get("InputType") for state in MAPS.values()}
    assert read == {None, "CSV", "MANIFEST"}


# ---------------------------------------------------------------------------------------- ways through it

BATCH = {**batch(), "transform": True}
PLAN = {"images": True, "model": "model-1", "sha256": "9" * 64, "job": "negatoscope-test-batch-0"}


def execution(given: Any, **answers: Any) -> tuple[Execution, dict[str, Any]]:
    """An execution, and the parameters of its tasks; `answers` are results or errors, by the first word.

    A list has one for each time, and the last for all further ones.
    """
    performed: dict[str, Any] = {}
    known = {"Classify": {"ResultWriterDetails": {"Key": "a.json"}}, "Plan": PLAN, "Transform": {}}
    known |= {"Record": {"ResultWriterDetails": {"Key": "b.json"}}, "Report": {"images": 3}}

    def perform(name: str, parameters: Any) -> Any:
        performed[name] = parameters
        found = (known | answers)[name.split()[0]]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, TaskFailed):
            raise found
        return found

    definition = json.loads(FILE.read_text().replace("${DataBucket}", "bucket"))
    return Execution(definition, given, perform, "arn:execution:batch-1.2"), performed


@pytest.mark.parametrize("kind", ["folder", "list", "inventory", "again"])
def test_lambdas_classify_without_a_transform_job(kind: str) -> None:
    source = "folder" if kind == "again" else kind
    for given in ({**batch(), "kind": kind}, {**BATCH, "kind": kind, "transform": False}):
        found, performed = execution(given)

        assert list(performed) == [f"Classify {source}", "Report"]
        assert performed["Report"]["manifest"] == "a.json"
        assert (found.data, found.error) == ({"images": 3}, None)


def test_transform_job_classifies_what_was_prepared() -> None:
    found, performed = execution(BATCH)

    assert list(performed) == [
        "Classify folder",
        "Plan transform job",
        "Transform",
        "Record answers",
        "Report",
    ]
    assert performed["Plan transform job"]["execution"] == "batch-1.2"
    job = performed["Transform"]
    assert (job["TransformJobName"], job["ModelName"]) == (PLAN["job"], "model-1")
    source = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    assert source == f"s3://bucket/{ARRAYS.format('batch-1')}"
    assert f"{job['TransformOutput']['S3OutputPath']}/" == f"s3://bucket/{ANSWERS.format('batch-1')}"
    # SageMaker API reference, CreateTransformJob.
    assert job["MaxConcurrentTransforms"] * job["MaxPayloadInMB"] <= 100
    reported = performed["Report"]["batch"]
    assert (reported["recorded"], reported["plan"]) == ({"manifest": "b.json"}, PLAN)
    assert (found.data, found.error) == ({"images": 3}, None)


def test_nothing_prepared_needs_no_transform_job() -> None:
    found, performed = execution(BATCH, Plan={"images": False})

    assert "Transform" not in performed
    assert found.data == {"images": 3}


def test_failed_transform_job_fails_the_pass_after_its_answers_are_recorded() -> None:
    found, performed = execution(BATCH, Transform=TaskFailed("States.TaskFailed"))

    assert list(performed)[-2:] == ["Record answers", "Report"]
    assert found.error
    assert found.error["Error"] == "TransformFailed"


REFUSED = (
    "SageMaker.AmazonSageMakerException",
    "SageMaker.ResourceInUseException",
    "SageMaker.SdkClientException",
)


@pytest.mark.parametrize("error", REFUSED)
def test_transform_job_whose_creation_was_not_confirmed_is_waited_for(error: str) -> None:
    found, performed = execution(
        BATCH,
        Transform=TaskFailed(error),
        Describe=[{"TransformJobStatus": "InProgress"}, {"TransformJobStatus": "Completed"}],
    )

    assert found.passed.count("Wait for transform job") == 1
    assert performed["Describe transform job"] == {"TransformJobName": PLAN["job"]}
    assert list(performed)[-2:] == ["Record answers", "Report"]
    assert (found.data, found.error) == ({"images": 3}, None)


@pytest.mark.parametrize(
    "described",
    [
        {"TransformJobStatus": "Failed"},
        {"TransformJobStatus": "Stopped"},
        TaskFailed("SageMaker.ResourceNotFoundException"),
    ],
)
def test_transform_job_that_was_not_created_or_has_failed_fails_the_pass(described: Any) -> None:
    found, performed = execution(BATCH, Transform=TaskFailed(REFUSED[0]), Describe=described)

    assert list(performed)[-2:] == ["Record answers", "Report"]
    assert found.error
    assert found.error["Error"] == "TransformFailed"


def test_request_for_the_transform_job_is_one_that_sagemaker_has() -> None:
    _, performed = execution(BATCH)
    shape = Loader().load_service_model("sagemaker", "service-2")["shapes"]["CreateTransformJobRequest"]

    assert performed["Transform"].keys() <= shape["members"].keys()
    assert {*shape["required"]} <= performed["Transform"].keys()


def test_model_has_the_name_of_its_endpoint_configuration() -> None:
    """A batch finds the model by the name of the configuration, which the deployment records."""
    assert CREATE_MODEL.parameters["ModelName.$"] == CREATE_ENDPOINT_CONFIG.parameters["EndpointConfigName.$"]


def test_lambda_has_time_for_a_part_of_which_every_image_takes_as_long_as_it_may() -> None:
    seconds = IN_THE_BACKGROUND.answer * TRIES * -(-PART_IMAGES // READERS)
    limits = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]["batch"]

    assert seconds < limits["lambda_timeout"] <= 900
