"""Transform jobs let a model answer for every object under a prefix."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.lab import BUCKET, Lab, refusal

GROUP = "/aws/sagemaker/TransformJobs"


def transform(lab: Lab, model: str, source: str, kind: str = "S3Prefix", **changes: Any) -> dict[str, Any]:
    """The request for a transform job."""
    name = lab.name("transform")
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


def transformed(lab: Lab, request: dict[str, Any]) -> Any:
    lab.sagemaker.create_transform_job(**request)
    return described(lab, request)


def described(lab: Lab, request: dict[str, Any]) -> Any:
    name = request["TransformJobName"]
    return lab.over(lambda: lab.sagemaker.describe_transform_job(TransformJobName=name))


def test_every_object_gets_its_answer(lab: Lab) -> None:
    for key, text in {"a.txt": "one", "deep/b.txt": "two", "deep/odd ü.txt": "three"}.items():
        lab.put(f"data/asked/{key}", text)
    request = transform(lab, lab.model("bob"), f"s3://{BUCKET}/data/asked")

    job = transformed(lab, request)

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    place = f"transformed/{request['TransformJobName']}/"
    assert lab.keys(place) == {"a.txt.out", "deep/b.txt.out", "deep/odd ü.txt.out"}
    assert lab.get(f"s3://{BUCKET}/{place}deep/b.txt.out") == b"bob|text/plain|two|red"
    assert "answering one" in lab.log(GROUP, request["TransformJobName"])


def test_a_manifest_names_the_objects(lab: Lab) -> None:
    for name in ("a", "b", "c"):
        lab.put(f"data/named/{name}.txt", name)
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/data/named/"}, "a.txt", "c.txt"])
    source = lab.put("data/named.manifest", manifest)
    request = transform(lab, lab.model("bob"), source, "ManifestFile")

    assert transformed(lab, request)["TransformJobStatus"] == "Completed"

    assert lab.keys(f"transformed/{request['TransformJobName']}/") == {"a.txt.out", "c.txt.out"}


def test_what_fails_is_named_and_the_rest_is_done(lab: Lab) -> None:
    for name, text in {"good": "fine", "refused": "unreadable", "broken": "crash"}.items():
        lab.put(f"data/mixed/{name}.txt", text)
    request = transform(lab, lab.model("bob"), f"s3://{BUCKET}/data/mixed/")

    job = transformed(lab, request)

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: 2 of 3 objects failed")
    assert f"s3://{BUCKET}/data/mixed/refused.txt" in job["FailureReason"]
    assert "Bad HTTP status returned from Invoke: 415" in job["FailureReason"]
    assert lab.keys(f"transformed/{request['TransformJobName']}/") == {"good.txt.out"}
    log = "\n".join(lab.log(GROUP, request["TransformJobName"]))
    assert "broken.txt: Bad HTTP status returned from Invoke: 500: asked to crash" in log


def test_a_model_that_cannot_be_loaded_fails_it(lab: Lab) -> None:
    lab.put("data/single/a.txt", "one")
    model = lab.model("bob", "raise ImportError('no such library')")
    request = transform(lab, model, f"s3://{BUCKET}/data/single/")

    job = transformed(lab, request)

    assert job["TransformJobStatus"] == "Failed"
    assert "did not pass the ping health check" in job["FailureReason"]
    assert "ImportError: no such library" in lab.log(GROUP, request["TransformJobName"])


def test_it_can_be_stopped(lab: Lab) -> None:
    for number in range(5):
        lab.put(f"data/slow/{number}.txt", "sleep 0.5")
    request = transform(lab, lab.model("bob"), f"s3://{BUCKET}/data/slow/", MaxConcurrentTransforms=1)
    lab.sagemaker.create_transform_job(**request)
    wait_for(lambda: lab.keys(f"transformed/{request['TransformJobName']}/"))

    lab.sagemaker.stop_transform_job(TransformJobName=request["TransformJobName"])

    assert described(lab, request)["TransformJobStatus"] == "Stopped"
    assert len(lab.keys(f"transformed/{request['TransformJobName']}/")) < 5


def test_what_cannot_be_done_is_refused(lab: Lab) -> None:
    with pytest.raises(ClientError) as error:
        transformed(lab, transform(lab, "nobody", f"s3://{BUCKET}/data"))
    assert refusal(error)[1].startswith(
        'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/'
    )

    request = transform(lab, lab.model("bob"), f"s3://{BUCKET}/data")
    request["TransformInput"]["SplitType"] = "Line"
    with pytest.raises(ClientError) as error:
        transformed(lab, request)
    assert "SplitType Line is not supported" in refusal(error)[1]
