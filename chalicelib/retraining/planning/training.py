"""The part of a plan that is about training: hyper-parameters, inputs and limits of its jobs."""

import json
import re
from dataclasses import dataclass
from typing import Any

from chalicelib.hyperparameters import searched
from chalicelib.retraining.locations import DATASETS
from chalicelib.retraining.planning.plan import TrainingPlan
from chalicelib.retraining.request import RetrainingRequest

MAX_RUNTIME_SECONDS = 24 * 3600
MAX_WAIT_SECONDS = 48 * 3600
"""For a training on spare capacity, including the time that it waits for some."""
VOLUME_GB = 100
LOCAL_STORAGE = re.compile(r"ml\.([^.]*d|g5|g6|p5|trn1)")
"""Instance types that keep data on disks of their own, which encrypt themselves: SageMaker takes no key.

From `volume_size_supported` of the SageMaker Python SDK 2.257.
"""


@dataclass(frozen=True)
class Code:
    """The code that trains: parameters of the template."""

    uri: str
    """s3:// folder with sourcedir.tar.gz and run.sh."""
    commit: str


@dataclass(frozen=True)
class Instance:
    """The instance that trains: parameters of the template."""

    type: str
    volume_key: str
    """ARN of the key that encrypts its volume."""


def plan_training(
    request: RetrainingRequest, code: Code, instance: Instance, bucket: str, folder: str, ood_data: bool
) -> TrainingPlan:
    """Plan the training jobs of a retraining.

    Args:
        request: for the retraining.
        code: that trains.
        instance: that it runs on.
        bucket: name of the data bucket.
        folder: s3:// URI of the retraining's folder, ending in a slash.
        ood_data: whether there are images of other tasks, which are out of distribution.
    """
    stopping = {"MaxRuntimeInSeconds": MAX_RUNTIME_SECONDS}
    if request.spot:
        stopping["MaxWaitTimeInSeconds"] = MAX_WAIT_SECONDS
    # SageMaker requires a channel. The images themselves are read from S3, as the manifest names them.
    channels = [_channel("plan", f"{folder}plan.json", "File")]
    if ood_data:
        # Only files that are opened are fetched: those of this task are not, and need not fit on the disk.
        channels.append(_channel("ood_data", f"s3://{bucket}/{DATASETS}", "FastFile"))
    return {
        "hyperparameters": _hyperparameters(request, code, folder, ood_data),
        "resources": _resources(instance, request.instance_count),
        "inputs": channels,
        "spot": request.spot,
        "stopping": stopping,
    }


def _resources(instance: Instance, count: int) -> dict[str, Any]:
    key = {} if LOCAL_STORAGE.match(instance.type) else {"VolumeKmsKeyId": instance.volume_key}
    return {"InstanceCount": count, "InstanceType": instance.type, "VolumeSizeInGB": VOLUME_GB, **key}


def _hyperparameters(request: RetrainingRequest, code: Code, folder: str, ood_data: bool) -> dict[str, str]:
    parameters = {
        "sagemaker_program": "training/launch.py",
        "sagemaker_submit_directory": f"{code.uri}/sourcedir.tar.gz",
        "task": request.task.name,
        # Exactly the images and parts that were prepared, whatever is added meanwhile.
        "data": f"{folder}data",
        "test_split": "fixed",
        **({"stream": "true"} if request.stream else {}),
        **({"git_commit": code.commit} if code.commit else {}),
        **({"ood_data": "/opt/ml/input/data/ood_data"} if ood_data else {}),
        **request.hyperparameters,
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
        if not (request.trials and name in searched())
    }


def _channel(name: str, uri: str, mode: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": mode, "DataSource": {"S3DataSource": source}}
