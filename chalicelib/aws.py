"""The AWS clients and what is built on them: made once per process, and only when first needed."""

import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.classification import Classifier
from chalicelib.deployed import DeployedModels
from chalicelib.hosting import Hosting
from chalicelib.pipeline import Pipeline
from chalicelib.registry import Registry
from chalicelib.settings import settings
from chalicelib.storage import DataBucket
from chalicelib.sweep import Sweep
from chalicelib.table import ResultsTable
from chalicelib.tasks import load_tasks
from chalicelib.watch import Watch

# "standard" retries throttling and transient errors with exponential backoff and full jitter.
_RETRIES = {"mode": "standard", "total_max_attempts": 4}


@cache
def pipeline() -> Pipeline:
    """The pipeline of this stage."""
    return Pipeline(bucket(), table(), classifier(), load_tasks())


@cache
def sweep() -> Sweep:
    """The sweep of this stage."""
    client = boto3.client("lambda", config=Config(retries=_RETRIES))

    def send(event: dict[str, Any]) -> None:
        client.invoke(
            FunctionName=settings().prepare_function, InvocationType="Event", Payload=json.dumps(event)
        )

    return Sweep(pipeline(), send)


@cache
def watch() -> Watch:
    """The drift watch of this stage."""
    retrain = _start_retraining if settings().retrain_on_drift else None
    return Watch(bucket(), table(), Registry(bucket()), classifier().package, load_tasks(), retrain)


def _start_retraining(task: str, why: str) -> str:
    client = boto3.client("stepfunctions", config=Config(retries=_RETRIES))
    order = json.dumps({"task": task, "reason": why})
    execution = client.start_execution(stateMachineArn=settings().retraining_arn, input=order)
    return str(execution["executionArn"])


@cache
def bucket() -> DataBucket:
    """The data bucket."""
    # Presigned forms must name the regional host, or browsers are redirected; the emulator has no host per
    # bucket.
    style = "path" if settings().endpoint_url else "virtual"
    config = Config(signature_version="s3v4", s3={"addressing_style": style}, retries=_RETRIES)
    return DataBucket(boto3.client("s3", config=config), settings().data_bucket)


@cache
def table() -> ResultsTable:
    """The results table."""
    resource = boto3.resource("dynamodb", config=Config(retries=_RETRIES))
    return ResultsTable(resource, settings().results_table)


@cache
def classifier() -> Classifier:
    """The classifier, with as many threads as this Lambda has CPUs."""
    return Classifier(
        settings().endpoints,
        _sagemaker_runtime,
        threads=len(os.sched_getaffinity(0)),
        deployed=DeployedModels(registry()),
    )


@cache
def registry() -> Registry:
    """The registry of models."""
    return Registry(bucket())


@cache
def hosting() -> Hosting:
    """SageMaker, where endpoints are managed."""
    return Hosting(boto3.client("sagemaker", config=Config(retries=_RETRIES)))


@cache
def _sagemaker_runtime() -> Any:
    # The caller waits at most 29 s at API Gateway; a second try must fit in.
    config = Config(connect_timeout=2, read_timeout=12, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("sagemaker-runtime", config=config)
