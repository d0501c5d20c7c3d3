"""Processing jobs run a command between inputs and outputs in S3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.sagemaker_harness import BUCKET, IMAGE, ROLE, SageMakerHarness, refusal

GROUP = "/aws/sagemaker/ProcessingJobs"
COUNT = """
import os, sys
from pathlib import Path
source, target = map(Path, sys.argv[1:])
files = sorted(file.name for file in source.rglob("*.txt"))
(target / "deep").mkdir()
(target / "deep" / "files").write_text(",".join(files) + os.environ["MARK"])
print("counted", len(files))
"""


def processing(harness: SageMakerHarness, program: str, **changes: Any) -> dict[str, Any]:
    """The request for a processing job of a Python program."""
    name = harness.name("processing")
    code = harness.put(f"code/{name}/run.py", program)

    def source(where: str, uri: str) -> dict[str, Any]:
        path = f"/opt/ml/processing/{where}"
        return {
            "InputName": where,
            "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
        }

    target = {
        "S3Uri": f"s3://{BUCKET}/processed/{name}",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"],
            "ContainerArguments": ["/opt/ml/processing/data", "/opt/ml/processing/out"],
        },
        "ProcessingInputs": [source("code", code), source("data", f"s3://{BUCKET}/data/texts/")],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "Environment": {"MARK": "!"},
        **changes,
    }


def processed(harness: SageMakerHarness, request: dict[str, Any]) -> Any:
    name = request["ProcessingJobName"]
    return harness.over(lambda: harness.sagemaker.describe_processing_job(ProcessingJobName=name))


@pytest.fixture(scope="module", autouse=True)
def texts(harness: SageMakerHarness) -> None:
    for number in (1, 2):
        harness.put(f"data/texts/part/{number}.txt", "text")


def test_processing_job_turns_inputs_into_outputs(harness: SageMakerHarness) -> None:
    request = processing(harness, COUNT)
    harness.sagemaker.create_processing_job(**request)

    job = processed(harness, request)

    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    name = request["ProcessingJobName"]
    assert harness.keys(f"processed/{name}/") == {"deep/files"}
    assert harness.get(f"s3://{BUCKET}/processed/{name}/deep/files") == b"1.txt,2.txt!"
    assert harness.log(GROUP, name) == ["counted 2"]
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]


def test_failing_processing_job_reports_its_message(harness: SageMakerHarness) -> None:
    program = (
        "from pathlib import Path\nimport sys\n"
        "Path(sys.argv[1]).parents[1].joinpath('output/message').write_text('no labels')\nsys.exit(4)"
    )
    request = processing(harness, program)
    harness.sagemaker.create_processing_job(**request)

    job = processed(harness, request)

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no labels, exit code: 4"
    assert job["ExitMessage"] == "no labels"


def test_processing_job_can_be_stopped(harness: SageMakerHarness) -> None:
    request = processing(harness, "import time\nprint('here', flush=True)\ntime.sleep(600)")
    harness.sagemaker.create_processing_job(**request)
    wait_for(lambda: harness.log(GROUP, request["ProcessingJobName"]))

    harness.sagemaker.stop_processing_job(ProcessingJobName=request["ProcessingJobName"])

    assert processed(harness, request)["ProcessingJobStatus"] == "Stopped"


def test_processing_job_is_stopped_at_its_time_limit(harness: SageMakerHarness) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    request = processing(harness, "import time\ntime.sleep(600)", StoppingCondition=limit)
    harness.sagemaker.create_processing_job(**request)

    assert processed(harness, request)["ProcessingJobStatus"] == "Stopped"


def test_processing_job_with_missing_inputs_fails(harness: SageMakerHarness) -> None:
    request = processing(harness, COUNT)
    request["ProcessingInputs"][1]["S3Input"]["S3Uri"] = f"s3://{BUCKET}/nowhere/"
    harness.sagemaker.create_processing_job(**request)

    job = processed(harness, request)

    assert job["ProcessingJobStatus"] == "Failed"
    assert "No S3 objects found" in job["FailureReason"]


def test_unsupported_processing_job_is_refused(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError) as error:
        harness.sagemaker.create_processing_job(
            **processing(harness, COUNT, AppSpecification={"ImageUri": IMAGE})
        )
    assert "without ContainerEntrypoint" in refusal(error)[1]

    elsewhere = processing(harness, COUNT)
    elsewhere["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/processing/../../../etc"
    with pytest.raises(ClientError) as error:
        harness.sagemaker.create_processing_job(**elsewhere)
    assert "must be a path under /opt/ml/processing" in refusal(error)[1]
