"""The training part of a plan."""

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from chalicelib.hyperparameters import searched
from chalicelib.retraining.planning.plan import TrainingPlan
from chalicelib.retraining.planning.training import (
    MAX_RUNTIME_SECONDS,
    MAX_WAIT_SECONDS,
    Code,
    Instance,
    plan_training,
)
from chalicelib.retraining.request import parse_request
from statemachine.requests import TRAIN
from tests.models import TASK

FOLDER = f"s3://bucket/retrainings/{TASK}/run-1/"
CODE = Code("s3://bucket/code/0123", "0123456")
INSTANCE = Instance("ml.c7i.2xlarge", "key")


def planned(
    code: Code = CODE, ood_data: bool = False, instance: Instance = INSTANCE, **request: Any
) -> TrainingPlan:
    return plan_training(parse_request({"task": TASK, **request}), code, instance, "bucket", FOLDER, ood_data)


def test_hyperparameters_name_code_and_data() -> None:
    assert planned()["hyperparameters"] == {
        "sagemaker_program": "training/launch.py",
        "sagemaker_submit_directory": "s3://bucket/code/0123/sourcedir.tar.gz",
        "task": TASK,
        "data": f"{FOLDER}data",
        "test_split": "fixed",
        "git_commit": "0123456",
    }
    assert "git_commit" not in planned(Code(CODE.uri, ""))["hyperparameters"]


def test_hyperparameters_of_the_request_are_passed_as_text() -> None:
    parameters = planned(hyperparameters={"epochs": 2, "dropout": 0.25, "tta": "all"})["hyperparameters"]

    assert [parameters[name] for name in ("epochs", "dropout", "tta")] == ["2", "0.25", "all"]


def test_search_does_not_fix_the_hyperparameters_that_it_varies() -> None:
    plan = planned(tune=3, hyperparameters={"epochs": 2, "tta": "all"})

    assert plan["hyperparameters"].keys().isdisjoint(searched())
    assert (plan["hyperparameters"]["epochs"], plan["hyperparameters"]["tta"]) == ("2", "all")


@pytest.mark.parametrize(
    ("instance", "encrypted"),
    [
        *((name, True) for name in ("ml.c7i.2xlarge", "ml.m5.large", "ml.p3.2xlarge", "ml.c5.xlarge")),
        *((name, False) for name in ("ml.g4dn.xlarge", "ml.g5.xlarge", "ml.m5d.large", "ml.p4d.24xlarge")),
        *((name, False) for name in ("ml.p3dn.24xlarge", "ml.g6e.xlarge", "ml.p5.48xlarge")),
    ],
)
def test_volume_is_encrypted_unless_the_instance_has_disks_of_its_own(instance: str, encrypted: bool) -> None:
    resources = planned(instance=Instance(instance, "key"))["resources"]

    key = {"VolumeKmsKeyId": "key"} if encrypted else {}
    assert resources == {"InstanceCount": 1, "InstanceType": instance, "VolumeSizeInGB": 100, **key}


def test_job_on_several_instances_is_one_that_sagemaker_takes() -> None:
    plan = planned(instance_count=4, ood_data=True)
    assert plan["resources"]["InstanceCount"] == 4

    job = TRAIN.parameters | {
        "TrainingJobName": "name",
        "HyperParameters": plan["hyperparameters"],
        "InputDataConfig": plan["inputs"],
        "OutputDataConfig": {"S3OutputPath": f"{FOLDER}training", "KmsKeyId": "key"},
        "CheckpointConfig": {"S3Uri": f"{FOLDER}checkpoints"},
        "ResourceConfig": plan["resources"],
        "EnableManagedSpotTraining": plan["spot"],
        "StoppingCondition": plan["stopping"],
        "RoleArn": "arn:aws:iam::123456789012:role/x",
    }
    described = {name: value for name, value in job.items() if not name.endswith(".$")}

    assert not problems("CreateTrainingJob", described)
    assert problems("CreateTrainingJob", described | {"ResourceConfig": {"InstanceCount": "4"}})


def problems(operation: str, parameters: dict[str, Any]) -> str:
    """How SageMaker's API model finds that the parameters do not fit."""
    model = botocore.session.get_session().get_service_model("sagemaker").operation_model(operation)
    report: str = ParamValidator().validate(parameters, model.input_shape).generate_report()
    return report


def test_streaming_is_asked_of_the_training() -> None:
    assert "stream" not in planned()["hyperparameters"]
    assert planned(stream=True)["hyperparameters"]["stream"] == "true"


def test_images_of_other_tasks_are_a_channel() -> None:
    assert [channel["ChannelName"] for channel in planned()["inputs"]] == ["plan"]

    plan = planned(ood_data=True)

    uris = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in plan["inputs"]
    }
    modes = {channel["ChannelName"]: channel["InputMode"] for channel in plan["inputs"]}
    assert modes == {"plan": "File", "ood_data": "FastFile"}
    assert uris == {"plan": f"{FOLDER}plan.json", "ood_data": "s3://bucket/datasets/"}
    assert plan["hyperparameters"]["ood_data"] == "/opt/ml/input/data/ood_data"


def test_spot_training_may_wait_for_capacity() -> None:
    assert planned()["stopping"] == {"MaxRuntimeInSeconds": MAX_RUNTIME_SECONDS}

    plan = planned(spot=True)

    assert plan["spot"]
    assert plan["stopping"]["MaxWaitTimeInSeconds"] == MAX_WAIT_SECONDS > MAX_RUNTIME_SECONDS
