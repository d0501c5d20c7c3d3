"""The definition of the state machine: generated, valid, and patient enough."""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cfnlint.api import lint_file

from chalicelib.limits import MAX_TRIALS
from chalicelib.retraining.planning.training import MAX_WAIT_SECONDS
from chalicelib.tasks.reader import MAX_INPUT_VALUES
from deploy import stacks
from statemachine.definition import DEFINITION
from tests.stage import ROOT
from training.search_space import metric_definitions, tuning_job

STATES: dict[str, Any] = DEFINITION["States"]
HOUR = 3600


def test_definition_that_is_deployed_is_current() -> None:
    text = (ROOT / "statemachine" / "retrain.asl.json").read_text()
    assert text == json.dumps(DEFINITION, indent=2) + "\n", "run `make generate`"


def lint(definition: str, folder: Path) -> list[str]:
    """Errors that cfn-lint, which knows the Amazon States Language, finds."""
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/x", "Definition": json.loads(definition)}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = folder / "template.json"
    template.write_text(json.dumps({"Resources": {"Machine": machine}}))
    return [str(match) for match in lint_file(template)]


def test_definition_is_valid_with_the_substitutions_of_the_template(tmp_path: Path) -> None:
    text = (ROOT / "statemachine" / "retrain.asl.json").read_text()
    template = (ROOT / "statemachine" / "template.yaml").read_text()
    substitutions = re.findall(
        r"^        (\w+): ",
        template.partition("DefinitionSubstitutions:")[2].partition("LoggingConf")[0],
        re.M,
    )
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    assert "arn:aws" not in text, "China and GovCloud are partitions of their own"
    filled = text.replace("${Partition}", "aws")  # the only one that cfn-lint knows in state machines
    filled = re.sub(r"\$\{\w+\}", "arn:aws:lambda:eu-central-1:123456789012:function:x", filled)

    assert lint(filled, tmp_path) == []
    assert lint(filled.replace('"Type": "Succeed"', '"Type": "Success"'), tmp_path) != []


def test_every_task_retries_and_catches() -> None:
    for name, state in STATES.items():
        if state["Type"] == "Task":
            assert state["Retry"], name
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def seconds(retrier: Mapping[str, Any]) -> float:
    """The sum of the pauses of a retrier."""
    pauses = (
        retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count
        for count in range(retrier["MaxAttempts"])
    )
    return float(sum(min(pause, retrier["MaxDelaySeconds"]) for pause in pauses))


def retrier_for(name: str, error: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(r for r in STATES[name]["Retry"] if error in r["ErrorEquals"])
    return found


def test_transform_job_holds_no_more_in_memory_than_sagemaker_takes() -> None:
    parameters = STATES["Batch inference"]["Parameters"]
    most_mb = 100  # API reference, CreateTransformJob

    assert 1 < parameters["MaxConcurrentTransforms"] <= most_mb / parameters["MaxPayloadInMB"]


def test_largest_input_of_a_task_fits_into_the_payload_of_the_transform_job() -> None:
    array = BytesIO()
    np.save(array, np.zeros(MAX_INPUT_VALUES, np.uint8))

    assert len(array.getvalue()) <= STATES["Batch inference"]["Parameters"]["MaxPayloadInMB"] * 10**6


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if ":sagemaker:" in str(state)])
def test_exhausted_quota_is_waited_for(name: str) -> None:
    quota = retrier_for(name, "SageMaker.ResourceLimitExceededException")
    assert 8 * HOUR < seconds(quota) < 24 * HOUR


@pytest.mark.parametrize(
    "name", [name for name, state in STATES.items() if "${RetrainingFunction}" in json.dumps(state)]
)
@pytest.mark.parametrize(
    "error",
    ["StepInterrupted", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "Lambda.ServiceException"],
)
def test_interrupted_step_is_repeated_for_minutes(name: str, error: str) -> None:
    retrier = retrier_for(name, error)
    assert seconds(retrier) > (HOUR if name == "Roll back" else 240)


def test_time_limit_is_longer_than_all_parts_together() -> None:
    job = STATES["Prepare data"]["Parameters"]["StoppingCondition"]["MaxRuntimeInSeconds"]
    parallel = STATES["Tune hyperparameters"]["Parameters"]["HyperParameterTuningJobConfig"]["ResourceLimits"]
    tuning = MAX_TRIALS / parallel["MaxParallelTrainingJobs"] * MAX_WAIT_SECONDS
    approval = STATES["Wait for approval"]["TimeoutSeconds"]
    quota = seconds(retrier_for("Train", "SageMaker.ResourceLimitExceededException"))
    transform = 5 * 24 * HOUR  # SageMaker's own limit
    total = 2 * job + tuning + transform + approval + 6 * quota

    assert total < DEFINITION["TimeoutSeconds"] < 365 * 24 * HOUR


def test_every_volume_of_a_job_is_encrypted_with_the_key_of_the_stage() -> None:
    keys = {
        name: re.findall('"VolumeKmsKeyId": "(.*?)"', json.dumps(STATES[name]["Parameters"]))
        for name in ("Prepare data", "Evaluate candidate", "Batch inference")
    }
    assert list(keys.values()) == [["${DataKey}"]] * 3
    # The plan knows whether the instance that trains takes a key.
    assert STATES["Train"]["Parameters"]["ResourceConfig.$"] == "$.plan.training.resources"
    assert STATES["Plan"]["Parameters"]["volume_key"] == "${DataKey}"


def test_traffic_between_instances_of_a_job_is_encrypted() -> None:
    for name in ("Train", "Tune hyperparameters", "Prepare data", "Evaluate candidate"):
        assert '"EnableInterContainerTrafficEncryption": true' in json.dumps(STATES[name]["Parameters"]), name


def test_everything_that_is_created_has_the_tags_of_the_stacks() -> None:
    wanted = [{"Key": key, "Value": value} for key, value in stacks.tags("${Stage}").items()]
    tags = {
        name: state["Parameters"].get("Tags")
        for name, state in STATES.items()
        if ":sagemaker:create" in state.get("Resource", "")
    }
    assert len(tags) == 8
    assert all(found == wanted for found in tags.values()), tags


def test_search_space_and_metrics_are_those_of_training() -> None:
    job = STATES["Tune hyperparameters"]["Parameters"]["HyperParameterTuningJobConfig"]
    expected = tuning_job({}, 8)["HyperParameterTuningJobConfig"]
    assert {**job, "ResourceLimits": None} == {**expected, "ResourceLimits": None}
    for definition in (
        STATES["Train"]["Parameters"],
        STATES["Tune hyperparameters"]["Parameters"]["TrainingJobDefinition"],
    ):
        assert definition["AlgorithmSpecification"]["MetricDefinitions"] == metric_definitions()
