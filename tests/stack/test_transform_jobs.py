"""Transform jobs process every object of a data source with a model."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.sagemaker_harness import BUCKET, SageMakerHarness, refusal

GROUP = "/aws/sagemaker/TransformJobs"


def transform(
    harness: SageMakerHarness, model: str, source: str, kind: str = "S3Prefix", **changes: Any
) -> dict[str, Any]:
    """The request for a transform job."""
    name = harness.name("transform")
    return {
        "TransformJobName": name,
        "ModelName": model,
        "BatchStrategy": "SingleRecord",
        "MaxConcurrentTransforms": 2,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": source}},
            "ContentType": "text/plain",
            "SplitType": "None",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/transformed/{name}", "Accept": "text/plain"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        "Environment": {"COLOUR": "red"},
        **changes,
    }


def transformed(harness: SageMakerHarness, request: dict[str, Any]) -> Any:
    harness.sagemaker.create_transform_job(**request)
    return described(harness, request)


def described(harness: SageMakerHarness, request: dict[str, Any]) -> Any:
    name = request["TransformJobName"]
    return harness.over(lambda: harness.sagemaker.describe_transform_job(TransformJobName=name))


def test_every_object_is_transformed(harness: SageMakerHarness) -> None:
    for key, text in {"a.txt": "one", "deep/b.txt": "two", "deep/odd ü.txt": "three"}.items():
        harness.put(f"data/asked/{key}", text)
    request = transform(harness, harness.model("bob"), f"s3://{BUCKET}/data/asked")

    job = transformed(harness, request)

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    place = f"transformed/{request['TransformJobName']}/"
    assert harness.keys(place) == {"a.txt.out", "deep/b.txt.out", "deep/odd ü.txt.out"}
    assert harness.get(f"s3://{BUCKET}/{place}deep/b.txt.out") == b"bob|text/plain|two|red"
    assert "answering one" in harness.log(GROUP, request["TransformJobName"])


def test_manifest_selects_the_objects(harness: SageMakerHarness) -> None:
    for name in ("a", "b", "c"):
        harness.put(f"data/named/{name}.txt", name)
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/data/named/"}, "a.txt", "c.txt"])
    source = harness.put("data/named.manifest", manifest)
    request = transform(harness, harness.model("bob"), source, "ManifestFile")

    assert transformed(harness, request)["TransformJobStatus"] == "Completed"

    assert harness.keys(f"transformed/{request['TransformJobName']}/") == {"a.txt.out", "c.txt.out"}


def test_failed_objects_are_reported_and_the_others_transformed(harness: SageMakerHarness) -> None:
    for name, text in {"good": "fine", "refused": "unreadable", "broken": "crash"}.items():
        harness.put(f"data/mixed/{name}.txt", text)
    request = transform(harness, harness.model("bob"), f"s3://{BUCKET}/data/mixed/")

    job = transformed(harness, request)

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: 2 of 3 objects failed")
    assert f"s3://{BUCKET}/data/mixed/refused.txt" in job["FailureReason"]
    assert "Bad HTTP status returned from Invoke: 415" in job["FailureReason"]
    assert harness.keys(f"transformed/{request['TransformJobName']}/") == {"good.txt.out"}
    log = "\n".join(harness.log(GROUP, request["TransformJobName"]))
    assert "broken.txt: Bad HTTP status returned from Invoke: 500: asked to crash" in log


def test_model_that_cannot_be_loaded_fails_the_transform_job(harness: SageMakerHarness) -> None:
    harness.put("data/single/a.txt", "one")
    model = harness.model("bob", "raise ImportError('no such library')")
    request = transform(harness, model, f"s3://{BUCKET}/data/single/")

    job = transformed(harness, request)

    assert job["TransformJobStatus"] == "Failed"
    assert "did not pass the ping health check" in job["FailureReason"]
    assert "ImportError: no such library" in harness.log(GROUP, request["TransformJobName"])


def test_transform_job_can_be_stopped(harness: SageMakerHarness, tmp_path: Path) -> None:
    release = tmp_path / "release"
    harness.put("data/slow/0.txt", "hello")
    for number in range(1, 5):
        harness.put(f"data/slow/{number}.txt", f"wait for {release}")
    request = transform(harness, harness.model("bob"), f"s3://{BUCKET}/data/slow/", MaxConcurrentTransforms=1)
    harness.sagemaker.create_transform_job(**request)
    wait_for(lambda: harness.keys(f"transformed/{request['TransformJobName']}/"))

    harness.sagemaker.stop_transform_job(TransformJobName=request["TransformJobName"])
    release.touch()

    assert described(harness, request)["TransformJobStatus"] == "Stopped"
    assert len(harness.keys(f"transformed/{request['TransformJobName']}/")) < 5


def test_unsupported_transform_job_is_refused(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError) as error:
        transformed(harness, transform(harness, "nobody", f"s3://{BUCKET}/data"))
    assert refusal(error)[1].startswith(
        'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/'
    )

    request = transform(harness, harness.model("bob"), f"s3://{BUCKET}/data")
    request["TransformInput"]["SplitType"] = "Line"
    with pytest.raises(ClientError) as error:
        transformed(harness, request)
    assert "SplitType Line is not supported" in refusal(error)[1]
