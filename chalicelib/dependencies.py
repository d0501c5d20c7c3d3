"""Makes the AWS clients and the objects that use them, once per process, when they are first needed.

This is the composition root: the only module that decides which parts work together. What classifying an
image does not need is imported where it is made, and so is what needs numpy or Pillow: after a cold start, no
request waits for what it does not use.
"""

import json
import os
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from chalicelib import resource_names
from chalicelib.models.classifier import Classifier
from chalicelib.models.deployed_models import DeployedModels
from chalicelib.models.registry import Registry
from chalicelib.models.review_rules import ReviewRules
from chalicelib.results.decisions import Decisions
from chalicelib.results.sharding import SHARDS
from chalicelib.results.table import ResultsTable
from chalicelib.settings import settings
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket, presigning
from chalicelib.tasks import load_tasks

if TYPE_CHECKING:
    from chalicelib.batches.executions import BatchExecutions
    from chalicelib.batches.service import BatchService
    from chalicelib.batches.steps import BatchSteps
    from chalicelib.exports.service import ExportService
    from chalicelib.models.backend import Backend
    from chalicelib.models.endpoint_manager import EndpointManager
    from chalicelib.monitoring.drift_monitor import DriftMonitor
    from chalicelib.pipeline.decoder import Decoder, Patience
    from chalicelib.pipeline.pipeline import Pipeline
    from chalicelib.pipeline.sweeper import Sweeper
    from chalicelib.results.removal import Removal
    from chalicelib.retraining.administration import Administration
    from chalicelib.retraining.administrator import Administrator
    from chalicelib.retraining.executions import Executions
    from chalicelib.retraining.repository import RetrainingRepository
    from chalicelib.retraining.service import RetrainingService
    from chalicelib.retraining.steps import Steps
    from chalicelib.retraining.training_data import TrainingDataCounter
    from chalicelib.storage.access_log import AccessLog
    from chalicelib.storage.request_count import RequestCount
    from chalicelib.storage.user_names import UserNames

# "standard" retries throttling and transient errors with exponential backoff and full jitter.
_RETRIES = {"mode": "standard", "total_max_attempts": 4}


@cache
def pipeline() -> "Pipeline":
    """The pipeline of this stage."""
    from chalicelib.pipeline.pipeline import Pipeline

    return Pipeline(bucket(), table(), classifier(), load_tasks(), decoder())


@cache
def decoder() -> "Decoder":
    """What decodes the images of this stage."""
    from chalicelib.pipeline.decoder import Decoder

    return Decoder(_decoding_client, settings().decode_function)


@cache
def _decoding_client(patience: "Patience") -> Any:
    retries = {"mode": "standard", "total_max_attempts": patience.tries}
    config = Config(connect_timeout=2, read_timeout=patience.answer, retries=retries)
    return boto3.client("lambda", config=config)


@cache
def decisions() -> Decisions:
    """The decisions on the images of this stage."""
    return Decisions(bucket(), table())


@cache
def removal() -> "Removal":
    """Hides and deletes results of this stage."""
    from chalicelib.results.removal import Removal

    return Removal(decisions(), audit())


@cache
def sweeper() -> "Sweeper":
    """The sweeper of this stage."""
    from chalicelib.pipeline.sweeper import Sweeper

    client = _client("lambda")

    def send(event: dict[str, Any]) -> None:
        client.invoke(
            FunctionName=settings().prepare_function, InvocationType="Event", Payload=json.dumps(event)
        )

    return Sweeper(pipeline(), send)


@cache
def batch_steps() -> "BatchSteps":
    """The steps of batches."""
    from chalicelib.batches.steps import BatchSteps

    return BatchSteps(pipeline(), settings().stage)


@cache
def batch_service() -> "BatchService":
    """What people can do with batches."""
    from chalicelib.batches.service import BatchService

    chosen = classifier()
    return BatchService(
        bucket(), _batch_executions(), chosen.require_model, lambda task: bool(chosen.served(task))
    )


@cache
def _batch_executions() -> "BatchExecutions":
    from chalicelib.batches.executions import BatchExecutions

    return BatchExecutions(_client("stepfunctions"), settings().batch_arn)


@cache
def drift_monitor() -> "DriftMonitor":
    """The drift monitor of this stage."""
    from chalicelib.monitoring.drift_monitor import DriftMonitor

    retrain = _start_retraining if settings().retrain_on_drift else None
    return DriftMonitor(bucket(), table(), registry(), classifier().package, load_tasks(), retrain)


def _start_retraining(task: str, why: str) -> str:
    return str(retraining_service().start({"task": task, "reason": why}, "drift monitor")["name"])


@cache
def retraining_steps() -> "Steps":
    """The steps that the state machine's Lambda runs."""
    from chalicelib.retraining.candidate import Candidates
    from chalicelib.retraining.creation_checker import CreationChecker
    from chalicelib.retraining.finalization import Finalization
    from chalicelib.retraining.planning.builder import PlanBuilder
    from chalicelib.retraining.planning.planner import Planner
    from chalicelib.retraining.rollout import Rollout
    from chalicelib.retraining.steps import Steps
    from chalicelib.retraining.task_lock import TaskLock

    rollout = Rollout(endpoint_manager(), partial(_client, "cloudwatch"))
    candidates = Candidates(bucket(), registry(), _sagemaker, settings().stage)
    planner = Planner(
        builder=PlanBuilder(settings().stage, bucket(), table(), registry(), settings().serving),
        bucket=bucket(),
        repository=_repository(),
        endpoints=settings().endpoints,
        lock=TaskLock(bucket(), _repository(), registry(), rollout, _executions(), _sagemaker).acquire,
    )
    return Steps(
        bucket=bucket(),
        repository=_repository(),
        planner=planner,
        candidates=candidates,
        rollout=rollout,
        creation_checker=CreationChecker(_sagemaker, endpoint_manager()),
        finalization=Finalization(_repository(), candidates, rollout),
        backend=_backend_of,
        publish=_publish,
    )


@cache
def retraining_service() -> "RetrainingService":
    """The service for requests that people make about retrainings."""
    from chalicelib.retraining.service import RetrainingService
    from chalicelib.retraining.training_jobs import TrainingJobs

    jobs = TrainingJobs(_sagemaker)
    return RetrainingService(_repository(), _executions(), bucket(), jobs, user_names().of)


@cache
def administrator() -> "Administrator":
    """What changes models and endpoints for administrators."""
    from chalicelib.retraining.administrator import Administrator

    # API Gateway waits 29 s. A second try could roll back twice.
    config = Config(read_timeout=25, retries={"total_max_attempts": 1})
    return Administrator(lambda: boto3.client("lambda", config=config), settings().administration_function)


@cache
def administration() -> "Administration":
    """What the Lambda of that name does."""
    from chalicelib.retraining.administration import Administration
    from chalicelib.retraining.stopper import Stopper

    stopper = Stopper(_repository(), _executions(), bucket(), registry(), endpoint_manager(), _sagemaker)
    return Administration(retraining_service(), stopper, registry(), endpoint_manager(), audit())


@cache
def training_data_counter() -> "TrainingDataCounter":
    """What counts the images and reviews that a retraining would learn from."""
    from chalicelib.retraining.training_data import TrainingDataCounter

    return TrainingDataCounter(bucket(), table(), registry(), _repository())


@cache
def exports() -> "ExportService":
    """The exports of this stage's users."""
    from chalicelib.exports.service import ExportService
    from chalicelib.retraining.executions import Executions

    arn = settings().export_arn
    return ExportService(bucket(), Executions(_client("stepfunctions"), arn), deployed=arn is not None)


@cache
def _repository() -> "RetrainingRepository":
    from chalicelib.retraining.repository import RetrainingRepository

    return RetrainingRepository(_dynamodb(), settings().retrainings_table)


@cache
def _executions() -> "Executions":
    from chalicelib.retraining.executions import Executions

    return Executions(_client("stepfunctions"), settings().retraining_arn)


def _client(service: str) -> Any:
    return boto3.client(service, config=Config(retries=_RETRIES))


def _dynamodb() -> Any:
    config = Config(
        retries=_RETRIES,
        # A list may read all shards side by side.
        max_pool_connections=1 + len(SHARDS),
        # Checking the type of each number of a heat map would take as long as another call. Tests check them.
        parameter_validation=False,
    )
    return boto3.resource("dynamodb", config=config)


@cache
def _sagemaker() -> Any:
    return _client("sagemaker")


def _publish(topic: str, subject: str, message: str) -> None:
    _client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=message)


def _backend_of(task_name: str, endpoint: str | None, version: str) -> "Backend":
    """The backend of a version that is not promoted yet."""
    from chalicelib.models.deployment import Deployment
    from chalicelib.models.embedded import EmbeddedBackend
    from chalicelib.models.endpoint import Endpoint
    from chalicelib.models.endpoint_protocols import PackageBackend

    task = load_tasks()[task_name]
    if endpoint:
        return PackageBackend(Endpoint(_sagemaker_runtime(), endpoint), task)
    record = registry().record(task_name, version)
    candidate = Deployment(version, record["sha256"], None, None, "")
    folder = Path(tempfile.mkdtemp()) / "candidate"
    return EmbeddedBackend(DeployedModels(registry()).fetch(task, candidate, folder), threads=1)


@cache
def bucket() -> DataBucket:
    """The data bucket."""
    config = Config(**presigning(settings().endpoint_url), retries=_RETRIES)
    return DataBucket(boto3.client("s3", config=config), settings().data_bucket)


@cache
def audit() -> Audit:
    """The audit record."""
    return Audit(bucket())


@cache
def user_names() -> "UserNames":
    """The names of users, for what the API shows."""
    from chalicelib.storage.user_names import UserNames

    return UserNames(partial(_client, "cognito-idp"), settings().user_pool_arn)


@cache
def access_log() -> "AccessLog":
    """The access log of the API."""
    from chalicelib.storage.access_log import AccessLog

    return AccessLog(_client("logs"), resource_names.access_log(settings().stage))


@cache
def request_count() -> "RequestCount":
    """The costly requests of each user."""
    from chalicelib.storage.request_count import RequestCount

    return RequestCount(_dynamodb().Table(settings().retrainings_table))


@cache
def table() -> ResultsTable:
    """The results table."""
    return ResultsTable(_dynamodb(), settings().results_table)


@cache
def classifier() -> Classifier:
    """The classifier, with as many threads as this Lambda has CPUs."""
    return Classifier(
        settings().endpoints,
        _sagemaker_runtime,
        threads=len(os.sched_getaffinity(0)),
        deployed=DeployedModels(registry()),
        rules=review_rules(),
    )


@cache
def review_rules() -> ReviewRules:
    """The review rules that administrators have chosen."""
    return ReviewRules(bucket())


@cache
def registry() -> Registry:
    """The registry of models."""
    return Registry(bucket())


@cache
def endpoint_manager() -> "EndpointManager":
    """The manager of this stage's SageMaker endpoints."""
    from chalicelib.models.endpoint_manager import EndpointManager
    from chalicelib.models.scaling import Scaling

    return EndpointManager(_sagemaker(), Scaling(partial(_client, "application-autoscaling")))


@cache
def _sagemaker_runtime() -> Any:
    # API Gateway waits at most 29 s; a second try must fit in.
    config = Config(connect_timeout=2, read_timeout=12, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.client("sagemaker-runtime", config=config)
