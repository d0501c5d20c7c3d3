"""The project's training as a SageMaker job, and its model on an endpoint."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from chalicelib.models.endpoint import Endpoint
from chalicelib.models.endpoint_protocols import PackageBackend
from chalicelib.tasks import load_task
from tests.stack.sagemaker_harness import BUCKET, SageMakerHarness, archive
from tests.stack.test_processing_jobs import processed, processing
from tests.stage import ROOT
from training.search_space import metric_definitions

TASK = load_task("breast-histology")
PATIENTS = 12  # per class; the split needs ten

# Adds the code that serves a model to what training made.
PACK = """
import sys, tarfile
from pathlib import Path
place = Path(sys.argv[1])
for name, packed in (("code", "source/project.tar.gz"), ("package", "model/model.tar.gz")):
    with tarfile.open(place / packed) as opened:
        opened.extractall(place / name)
sys.path.insert(0, str(place / "code"))
from training.archive import main
sys.exit(main(["--package", str(place / "package"), "--output", str(place / "out" / "model.tar.gz")]))
"""


def source() -> Iterator[tuple[str, bytes]]:
    """The source archive of a training job."""
    for folder in ("training", "chalicelib"):
        for path in (ROOT / folder).rglob("*"):
            file = path.relative_to(ROOT)
            is_bundled_model = file.match("chalicelib/models/*/*") or file.match("chalicelib/models/*/*/*")
            if path.is_file() and "__pycache__" not in file.parts and not is_bundled_model:
                yield file.as_posix(), path.read_bytes()


def picture(label: int, seed: int) -> bytes:
    """A noisy patch whose bright side is its class."""
    pixels = np.random.default_rng((seed, label)).integers(0, 90, (50, 50, 3)).astype(np.uint8)
    pixels[:, 25 * label : 25 * (label + 1)] += 120
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put_images(harness: SageMakerHarness, prefix: str) -> None:
    lines = ["path,class,group"]
    for label, name in enumerate(TASK.class_names):
        for patient in range(PATIENTS):
            path = f"{name}/{patient:02}.png"
            harness.put(f"{prefix}/{path}", picture(label, patient))
            lines.append(f"{path},{name},{name}-{patient}")
    harness.put(f"{prefix}/manifest.csv", "\n".join(lines) + "\n")


def train(harness: SageMakerHarness, project: str) -> str:
    """Train, and return the URI of the model."""
    put_images(harness, "data/histology")
    images = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/histology/"}
    request = harness.training(
        "",
        HyperParameters={
            "sagemaker_program": "training/launch.py",
            "sagemaker_submit_directory": project,
            "task": TASK.name,
            "smoke": "true",
            "epochs": "1",
            "near_duplicates": "0",
            "git_commit": "of-a-test",
        },
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": images}}],
        StoppingCondition={"MaxRuntimeInSeconds": 300},
        Environment={"OMP_NUM_THREADS": "1"},
    )
    request["AlgorithmSpecification"]["MetricDefinitions"] = metric_definitions()
    harness.sagemaker.create_training_job(**request)
    job = harness.trained(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    metrics = {metric["MetricName"] for metric in job["FinalMetricDataList"]}
    assert metrics == {metric["Name"] for metric in metric_definitions()}
    model: str = job["ModelArtifacts"]["S3ModelArtifacts"]
    return model


def pack(harness: SageMakerHarness, project: str, model: str) -> str:
    """Add the serving code to the model, and return the URI of the archive."""
    request = processing(harness, PACK)
    for entry, (name, uri) in zip(
        request["ProcessingInputs"], (("source", project), ("model", model)), strict=True
    ):
        path = f"/opt/ml/processing/{name}"
        entry |= {"InputName": name, "S3Input": {**entry["S3Input"], "S3Uri": uri, "LocalPath": path}}
    code = harness.put(f"code/{request['ProcessingJobName']}/pack.py", PACK)
    request["ProcessingInputs"].append(
        {
            "InputName": "script",
            "S3Input": {
                **request["ProcessingInputs"][0]["S3Input"],
                "S3Uri": code,
                "LocalPath": "/opt/ml/processing/script",
            },
        }
    )
    request["AppSpecification"] |= {
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/script/pack.py"],
        "ContainerArguments": ["/opt/ml/processing"],
    }
    harness.sagemaker.create_processing_job(**request)
    job = processed(harness, request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    place: str = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    return f"{place}/model.tar.gz"


def test_model_of_the_projects_training_is_served(harness: SageMakerHarness) -> None:
    project = harness.put("code/project.tar.gz", archive(dict(source())))
    served = pack(harness, project, train(harness, project))
    model = harness.model_at(served)

    endpoint = harness.endpoint(harness.config(model))
    backend = PackageBackend(Endpoint(harness.runtime, endpoint), TASK)
    outputs = backend.run(np.zeros((2, 3, TASK.input.height, TASK.input.width), np.uint8))
    answer = harness.runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType="image/png", Body=picture(0, 99)
    )

    assert outputs.probabilities.shape == (2, len(TASK.class_names))
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1, atol=1e-4)
    assert outputs.model.backend == "endpoint"
    assert b'"probabilities"' in answer["Body"].read()
    refused = harness.refused(endpoint, b"no image", ContentType="image/png")
    assert refused["OriginalStatusCode"] == 415
    assert '"code": "NotAnImage"' in refused["OriginalMessage"]
    harness.remove(endpoint)
