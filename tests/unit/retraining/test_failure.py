"""Explanations of failures."""

import json

import pytest

from chalicelib.retraining.failure import ADVICE, MAX_CHARACTERS, QUOTA_ADVICE, explain, reason_of

SCRIPT = (
    "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
    'ErrorMessage "epoch=1\nerror: There are no images."\n'
    'Command "/usr/bin/python3 -m train --task x", exit code: 1'
)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (
            json.dumps({"TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no"}),
            "AlgorithmError: no.",
        ),
        (json.dumps({"TrainingJobStatus": "Failed", "FailureReason": SCRIPT}), "There are no images."),
        (json.dumps({"ProcessingJobStatus": "Failed", "ExitMessage": "No label"}), "No label."),
        (json.dumps({"TrainingJobStatus": "Stopped", "FailureReason": ""}), "The job was stopped, or"),
        (json.dumps({"errorMessage": "Broken!", "errorType": "InvalidModelPackage"}), "Broken!"),
        ("No JSON at all", "No JSON at all."),
        ("[1]", "[1]."),
        ("", "States.Timeout."),
    ],
)
def test_explanation_is_the_reason_and_what_to_do(cause: str, said: str) -> None:
    text = explain("TrainingFailed", {"Error": "States.Timeout", "Cause": cause})

    assert text.startswith(said)
    assert text.endswith(ADVICE["TrainingFailed"])


def test_missing_quota_is_named_with_what_to_do() -> None:
    limit = (
        "The account-level service limit 'ml.c7i.2xlarge for training job usage' is 0 Instances, with "
        "current utilization of 0 Instances and a request delta of 1 Instances."
    )
    error = {
        "Error": "SageMaker.ResourceLimitExceededException",
        "Cause": f"{limit} (Service: AmazonSageMaker)",
    }

    assert explain("TrainingFailed", error) == f"{limit} (Service: AmazonSageMaker). {QUOTA_ADVICE}"


def test_reason_is_cut() -> None:
    assert reason_of({"Cause": "x" * 5000}) == "x" * MAX_CHARACTERS + "."
