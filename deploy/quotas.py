"""Checks the account's quotas for what a stage will run."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.retraining.planning.builder import SMALL as PROCESSING_INSTANCE
from chalicelib.tasks import Task, load_tasks
from deploy import retraining, stacks, stages
from deploy.finding import Finding

MIN_LAMBDA_CONCURRENCY = 100
"""Of the account. New accounts have 10: a folder of images would leave none for the API."""
LAMBDA_CONCURRENCY = "Concurrent executions"
SERVERLESS_CONCURRENCY = "total concurrency across all serverless endpoints"
"""SageMaker's quota, in lower case. New accounts have 10."""


@dataclass(frozen=True)
class Need:
    """What a stage needs of a quota of SageMaker."""

    quota: str
    """Its name in Service Quotas."""
    least: int
    consequence: str
    """What does not work with less."""


def findings(wanted: argparse.Namespace) -> Iterator[Finding]:
    """What the account's quotas allow, for the options of a deployment."""
    needs = [*_jobs(wanted), *_endpoints(wanted)]
    try:
        lambdas = _values("lambda", {LAMBDA_CONCURRENCY.lower()})
        sagemaker = _values("sagemaker", {need.quota.lower() for need in needs})
    except ClientError as error:
        yield Finding("warning", f"The account's quotas could not be read: {error}")
        return
    for value in lambdas.values():
        yield _finding("Lambda", Need(LAMBDA_CONCURRENCY, MIN_LAMBDA_CONCURRENCY, _WAITING), value)
    for need in needs:
        yield _finding("SageMaker", need, sagemaker.get(need.quota.lower(), 0))


_WAITING = "many images at once make the page wait"


def _finding(service: str, need: Need, value: float) -> Finding:
    said = f"{service}'s quota '{need.quota}' is {value:.0f}"
    if value >= need.least:
        return Finding("ok", said)
    return Finding("warning", f"{said}: {need.consequence}. Ask for {need.least} or more in Service Quotas.")


def _jobs(wanted: argparse.Namespace) -> Iterator[Need]:
    """What a retraining needs."""
    given = retraining.parameter_defaults()
    if stacks.stack_status(retraining.stack_name(wanted.stage)):
        given |= stacks.outputs(retraining.stack_name(wanted.stage))
    training = wanted.instance or given["TrainingInstanceType"]
    specs = [task.training for task in load_tasks().values()]
    preparing = max(spec.preparation_instance_count for spec in specs)
    together = max(spec.instance_count for spec in specs)
    for instance, kind, count, purpose in (
        (PROCESSING_INSTANCE, "processing", preparing, "prepare and evaluate data"),
        (training, "training", together, "train"),
        (
            given["TransformInstanceType"],
            "transform",
            1,
            "evaluate a new model, nor a batch run a transform job",
        ),
    ):
        quota = f"{instance} for {kind} job usage"
        yield Need(quota, count, f"a retraining cannot {purpose}{_on(count)}. Classifying works")


def _on(count: int) -> str:
    return f" on {count} instances" if count > 1 else ""


def _endpoints(wanted: argparse.Namespace) -> Iterator[Need]:
    """What the endpoints of retrained models will need, if all tasks that have one are retrained."""
    chosen = stages.serving(wanted.stage) | dict(wanted.serving or {})
    kinds: dict[str, list[Task]] = {}
    for task in load_tasks().values():
        kinds.setdefault(chosen.get(task.name, task.serving.kind), []).append(task)
    if serverless := sum(task.serving.max_concurrency for task in kinds.get("serverless", ())):
        yield Need(
            f"Maximum {SERVERLESS_CONCURRENCY}",
            serverless,
            "not all retrained models with SERVING=serverless can be deployed",
        )
    instances: dict[str, int] = {}
    for task in kinds.get("provisioned", ()):
        kind = task.serving.instance_type
        instances[kind] = instances.get(kind, 0) + task.serving.instances
    for kind, count in instances.items():
        # An update needs the new instances beside the old ones.
        yield Need(
            f"{kind} for endpoint usage",
            count + 1,
            "not all retrained models with SERVING=provisioned can be deployed and replaced",
        )


def _values(service: str, names: set[str]) -> dict[str, float]:
    """The account's values of a service's quotas, by name in lower case."""
    quotas: Any = boto3.client("service-quotas").get_paginator("list_service_quotas")
    return {
        name: float(quota["Value"])
        for page in quotas.paginate(ServiceCode=service)
        for quota in page["Quotas"]
        if (name := quota["QuotaName"].lower()) in names
    }
