"""Training jobs run script mode programs as SageMaker does."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.sagemaker_harness import (
    BUCKET,
    IMAGE,
    PERMISSIONS,
    SageMakerHarness,
    archive,
    refusal,
    unarchive,
)

GROUP = "/aws/sagemaker/TrainingJobs"

TELL = """
import json, os, sys
from pathlib import Path
root = Path(os.environ["SM_MODEL_DIR"]).parent
told = {
    "arguments": sys.argv[1:],
    "environment": {name: value for name, value in os.environ.items()},
    "folder": os.getcwd(),
    "files": sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()),
    "hyperparameters": json.loads((root / "input/config/hyperparameters.json").read_text()),
    "train": Path(os.environ["SM_CHANNEL_TRAIN"], "cats/1.txt").read_text(),
}
Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("learnt")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "told.json").write_text(json.dumps(told))
for epoch in range(3):
    print(f"epoch={epoch}; loss={1 / (epoch + 1)};")
"""
WAIT = """
import time
print("started; loss=0.5;", flush=True)
time.sleep(600)
"""
# Continues to count from its checkpoint; ends on SIGTERM, and at 3 in any case.
COUNT = """
import os, signal, sys, time
from pathlib import Path
state = Path(os.environ["SM_CHECKPOINT_DIR"], "count")
count = int(state.read_text()) if state.exists() else 0
print(f"count={count};", flush=True)
state.write_text(str(count + 1))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
if count < 2:
    time.sleep(600)
Path(os.environ["SM_MODEL_DIR"], "count").write_text(str(count))
"""
# Each host names itself and its data.
HOSTS = """
import json, os
from pathlib import Path
current, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
config = json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json").read_text())
assert (config["current_host"], config["hosts"]) == (current, hosts)
shard = " ".join(sorted(file.name for file in Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir()))
Path(os.environ["SM_MODEL_DIR"], f"host-{hosts.index(current)}").write_text(shard)
"""
# Shuts down cleanly on SIGTERM.
SAVE = """
import os, signal, sys, time
from pathlib import Path
def save(*_):
    Path(os.environ["SM_MODEL_DIR"], "saved").write_text("in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(600)
"""


def test_program_gets_the_script_mode_environment_and_its_model_is_stored(harness: SageMakerHarness) -> None:
    harness.put("data/train/cats/1.txt", "miau")
    request = harness.training(
        TELL,
        HyperParameters={"epochs": "3", "task": '"chest-xray"', "batch_size": "16", "x": "true"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/train"}
                },
            }
        ],
        Environment={"PLACE": "/opt/ml/input/data"},
    )
    request["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "train:loss", "Regex": r"loss=([0-9.]+);"},
        {"Name": "never", "Regex": r"nothing=([0-9.]+);"},
    ]
    harness.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]

    job = harness.trained(name)

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", job.get("FailureReason")
    output = f"s3://{BUCKET}/output/{name}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{output}/model.tar.gz"
    assert unarchive(harness.get(f"{output}/model.tar.gz")) == {"model.txt": "learnt"}
    told = json.loads(unarchive(harness.get(f"{output}/output.tar.gz"))["told.json"])
    assert told["arguments"] == [
        *("--batch_size", "16", "--epochs", "3", "--task", "chest-xray", "-x", "True"),
    ]
    assert told["train"] == "miau"
    assert told["hyperparameters"] == request["HyperParameters"]
    assert "input/data/train/cats/1.txt" in told["files"]
    assert "code/train.py" in told["files"]
    environment = told["environment"]
    assert json.loads(environment["SM_HPS"]) == {
        "batch_size": 16, "epochs": 3, "task": "chest-xray", "x": True,
    }  # fmt: skip
    assert environment["TRAINING_JOB_NAME"] == name
    assert environment["SM_CURRENT_HOST"] == "algo-1"
    assert environment["SM_HOSTS"] == '["algo-1"]'
    assert int(environment["SM_NUM_CPUS"]) >= 1
    assert environment["SM_NUM_GPUS"].isdigit()
    assert environment["PLACE"] == environment["SM_CHANNEL_TRAIN"].removesuffix("/train")
    assert environment["SM_HP_EPOCHS"] == "3"
    assert not {"STATE_DIR", "VIRTUAL_ENV", "GATEWAY_PORT"} & environment.keys()
    (metric,) = job["FinalMetricDataList"]
    assert metric["MetricName"] == "train:loss"
    assert metric["Value"] == pytest.approx(1 / 3)
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(transition["EndTime"] for transition in job["SecondaryStatusTransitions"])
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert harness.log(GROUP, f"{name}/algo-1") == [f"epoch={n}; loss={1 / (n + 1)};" for n in range(3)]


def test_running_job_has_log_and_metrics_and_can_be_stopped(
    harness: SageMakerHarness,
) -> None:
    request = harness.training(WAIT)
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": r"loss=([0-9.]+);"}]
    harness.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]

    wait_for(lambda: harness.log(GROUP, name))
    running = wait_for(lambda: with_metrics(harness, name))
    harness.sagemaker.stop_training_job(TrainingJobName=name)
    job = harness.trained(name)

    assert running["TrainingJobStatus"] == "InProgress"
    assert running["FinalMetricDataList"][0]["Value"] == 0.5
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert "FailureReason" not in job
    with pytest.raises(ClientError, match="in status Stopped"):
        harness.sagemaker.stop_training_job(TrainingJobName=name)


def with_metrics(harness: SageMakerHarness, name: str) -> Any:
    job = harness.sagemaker.describe_training_job(TrainingJobName=name)
    return job if job.get("FinalMetricDataList") else None


def test_model_of_a_stopped_job_is_stored(harness: SageMakerHarness) -> None:
    name = harness.train(SAVE)
    wait_for(lambda: harness.log(GROUP, name))

    harness.sagemaker.stop_training_job(TrainingJobName=name)
    job = harness.trained(name)

    assert job["TrainingJobStatus"] == "Stopped"
    assert unarchive(harness.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"saved": "in time"}


def test_training_job_is_stopped_at_its_time_limit(harness: SageMakerHarness) -> None:
    name = harness.train(WAIT, StoppingCondition={"MaxRuntimeInSeconds": 1})

    job = harness.trained(name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["TrainingTimeInSeconds"] < 600


def test_max_wait_time_includes_waiting_for_spot_instances(harness: SageMakerHarness) -> None:
    name = harness.train(
        WAIT,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2},
    )

    # Both limits are the same, but the wait began earlier.
    assert harness.trained(name)["SecondaryStatus"] == "MaxWaitTimeExceeded"


def test_failure_reason_has_the_error_of_the_program(harness: SageMakerHarness) -> None:
    name = harness.train('print("so far")\nraise ValueError("no images in the channel")')

    job = harness.trained(name)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage"
    )
    assert "ValueError: no images in the channel" in job["FailureReason"]
    assert "train.py" in job["FailureReason"]
    assert harness.keys(f"output/{name}/") == set()


def test_failure_reason_comes_from_the_failure_file(harness: SageMakerHarness) -> None:
    name = harness.train(
        "import os, sys\nfrom pathlib import Path\n"
        "Path(os.environ['SM_OUTPUT_DIR'], 'failure').write_text('the labels are wrong')\nsys.exit(3)"
    )

    assert harness.trained(name)["FailureReason"] == "AlgorithmError: the labels are wrong, exit code: 3"


def test_interrupted_spot_job_resumes_from_its_checkpoint(harness: SageMakerHarness) -> None:
    place = f"checkpoints/{harness.name()}"
    name = harness.train(
        COUNT,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/{place}"},
    )
    for count in range(2):
        wait_for(lambda count=count: f"count={count};" in harness.log(GROUP, name))  # type: ignore[misc]
        assert harness.interrupt(name) == 204

    job = harness.trained(name)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert unarchive(harness.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"count": "2"}
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    again = ["Interrupted", "Restarting", "Downloading", "Training"]
    assert statuses == ["Starting", "Downloading", "Training", *again, *again, "Uploading", "Completed"]
    assert harness.get(f"s3://{BUCKET}/{place}/count") == b"3"
    assert harness.log(GROUP, name) == ["count=0;", "count=1;", "count=2;"]


def test_hosts_of_a_job_get_shards_of_the_data_and_write_one_archive(harness: SageMakerHarness) -> None:
    for number in range(3):
        harness.put(f"data/shards/{number}.txt", "text")
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/data/shards/",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    name = harness.train(
        HOSTS,
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        ResourceConfig={"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
    )

    job = harness.trained(name)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = unarchive(harness.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert model == {"host-0": "0.txt 2.txt", "host-1": "1.txt"}


def test_on_demand_job_cannot_be_interrupted(harness: SageMakerHarness) -> None:
    name = harness.train(WAIT)
    harness.is_training(name)

    assert harness.interrupt(name) == 409

    assert harness.is_training(name)["SecondaryStatus"] == "Training"
    harness.sagemaker.stop_training_job(TrainingJobName=name)
    harness.trained(name)


def test_missing_data_fails_the_job_before_its_program_starts(harness: SageMakerHarness) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nowhere/"}
    name = harness.train(
        "raise SystemExit(1)",
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
    )

    job = harness.trained(name)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed: No S3 objects found under")
    assert f"s3://{BUCKET}/nowhere/" in job["FailureReason"]


def test_job_has_the_permissions_of_its_role(harness: SageMakerHarness) -> None:
    nothing = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/code/*"}
    ]}  # fmt: skip
    role = harness.role(harness.name("reads-code-only"), nothing)
    program = "import os\nopen(os.path.join(os.environ['SM_MODEL_DIR'], 'model'), 'w').close()"

    job = harness.trained(harness.train(program, RoleArn=role))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data upload failed")
    assert "AccessDenied" in job["FailureReason"]


def test_program_can_be_a_shell_script(harness: SageMakerHarness) -> None:
    files = {
        "steps/run.sh": '#!/bin/sh\npython -c "import sys; print(sys.argv[1:])" "$@"',
    }
    source = harness.put("code/shell.tar.gz", archive(files))
    parameters = {
        "sagemaker_submit_directory": source,
        "sagemaker_program": "steps/run.sh",
        "title": "two words",
    }
    name = harness.train("", HyperParameters=parameters)

    assert harness.trained(name)["TrainingJobStatus"] == "Completed"
    assert harness.log(GROUP, name) == ["['--title', 'two words']"]


def test_missing_program_fails_the_job(harness: SageMakerHarness) -> None:
    job = harness.trained(harness.train("", HyperParameters={"sagemaker_program": "other.py"}))

    assert job["FailureReason"] == "AlgorithmError: sourcedir.tar.gz does not contain other.py"


def test_manifest_selects_the_files_of_a_channel(harness: SageMakerHarness) -> None:
    harness.put("data/some/a/1.txt", "one")
    harness.put("data/some/b/2.txt", "two")
    harness.put("data/some/b/3.txt", "three")
    manifest = [{"prefix": f"s3://{BUCKET}/data/some/"}, "a/1.txt", "b/3.txt"]
    source = {"S3DataType": "ManifestFile", "S3Uri": harness.put("data/some.manifest", json.dumps(manifest))}
    name = harness.train(
        "import os\nfrom pathlib import Path\nfolder = Path(os.environ['SM_CHANNEL_SOME'])\n"
        "print(*sorted(str(file.relative_to(folder)) for file in folder.rglob('*.txt')))",
        InputDataConfig=[{"ChannelName": "some", "DataSource": {"S3DataSource": source}}],
    )

    assert harness.trained(name)["TrainingJobStatus"] == "Completed"
    assert harness.log(GROUP, name) == ["a/1.txt b/3.txt"]


SPOT = {"EnableManagedSpotTraining": True}
CHANNEL = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data"}}


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"TrainingJobName": "under_score"}, "ValidationException", "at 'trainingJobName' failed to satisfy"),
        ({"TrainingJobName": "a" * 64}, "ValidationException", "length less than or equal to 63"),
        ({"RoleArn": None}, "ValidationException", "Value null at 'roleArn'"),
        (
            {"RoleArn": "arn:aws:iam::000000000000:role/nobody"},
            "ValidationException",
            "Could not assume role",
        ),
        (
            {"OutputDataConfig": {"S3OutputPath": 3}},
            "SerializationException",
            "can not be converted to a Str",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "ValidationException",
            "greater than or equal to 1",
        ),
        (
            {"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.huge"}},
            "ValidationException",
            "enum value",
        ),
        (
            {"ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p5.48xlarge", "VolumeSizeInGB": 9}},
            "ResourceLimitExceeded",
            "'ml.p5.48xlarge for training job usage' is 0 Instances",
        ),
        ({"HyperParameters": {"a": "x" * 2501}}, "ValidationException", "less than or equal to 2500"),
        (SPOT, "ValidationException", "Invalid MaxWaitTimeInSeconds"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 5, "MaxWaitTimeInSeconds": 5}},
            "ValidationException",
            "not allowed when EnableManagedSpotTraining is false",
        ),
        (
            {"InputDataConfig": [{"ChannelName": "a", "DataSource": CHANNEL}] * 2},
            "ValidationException",
            "must be unique",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"}},
            "ValidationException",
            "Pipe is not supported by the local SageMaker",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=("}],
                }
            },
            "ValidationException",
            "invalid regular expression",
        ),
    ],
)
def test_invalid_training_jobs_are_refused(
    harness: SageMakerHarness, changes: dict[str, object], code: str, message: str
) -> None:
    request = harness.training("print('must not run')", **changes)
    request = {member: value for member, value in request.items() if value is not None}

    with pytest.raises(ClientError) as error:
        harness.sagemaker.create_training_job(**request)

    assert refusal(error)[0] == code
    assert message in refusal(error)[1]
    newest = harness.sagemaker.list_training_jobs(MaxResults=100, SortOrder="Descending")
    names = [job["TrainingJobName"] for job in newest["TrainingJobSummaries"]]
    assert names
    assert request["TrainingJobName"] not in names


def test_job_name_must_be_unique(harness: SageMakerHarness) -> None:
    request = harness.training("pass")
    harness.sagemaker.create_training_job(**request)

    with pytest.raises(ClientError) as error:
        harness.sagemaker.create_training_job(**request)

    assert refusal(error)[0] == "ResourceInUse"
    harness.trained(request["TrainingJobName"])


def test_role_must_trust_sagemaker(harness: SageMakerHarness) -> None:
    role = harness.role(harness.name("of-lambda"), PERMISSIONS, "lambda")

    with pytest.raises(ClientError, match=r"allows principal 'sagemaker\.amazonaws\.com'"):
        harness.train("pass", RoleArn=role)


def test_missing_job_cannot_be_described(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError) as error:
        harness.sagemaker.describe_training_job(TrainingJobName="nothing")

    assert refusal(error) == ("ValidationException", "Requested resource not found.")
