"""Registers the bundled models, and deletes what retraining created on SageMaker."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from chalicelib import resource_names
from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.package import bundled_package
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks
from deploy import endpoints, stages
from deploy.progress import say

JOB_LOGS = ("ProcessingJobs", "TrainingJobs", "TransformJobs")
"""Log groups under /aws/sagemaker/ that all jobs of the account share."""
ENDPOINT_LOGS = "/aws/sagemaker/Endpoints/"


def register(bucket: str) -> None:
    """Register the bundled models. Each becomes current unless a retrained model is deployed for its task."""
    registry = Registry(DataBucket(boto3.client("s3"), bucket))
    packages = {task: package for task in load_tasks() if (package := bundled_package(task))}
    # Packing one takes about as long as storing another.
    with ThreadPoolExecutor() as threads:
        current = threads.map(lambda task: seed(registry, task, packages[task]), packages)
        for task, deployment in zip(packages, current, strict=True):
            say(f"{task}: {deployment.version} is current")


def delete(stage: str) -> None:
    """Delete the stage's endpoints, models, alarms and logs; packages in the data bucket stay."""
    sagemaker = boto3.client("sagemaker")
    delete_endpoints(stage, endpoints.endpoint_manager())
    for config in listed(stage, sagemaker, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"):
        sagemaker.delete_endpoint_config(EndpointConfigName=config)
    for model in listed(stage, sagemaker, "list_models", "Models", "ModelName"):
        sagemaker.delete_model(ModelName=model)
    kind = ("list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName")
    for group in listed(stage, sagemaker, *kind):
        delete_group(group, sagemaker)
    delete_alarms(stage)
    delete_logs(stage)


def listed(stage: str, client: Any, operation: str, members: str, name: str) -> list[str]:
    """Names of the stage's resources of one kind; `members` and `name` are keys of the response."""
    pages = client.get_paginator(operation).paginate(NameContains=resource_names.prefix(stage))
    return stages.own(stage, (one[name] for page in pages for one in page[members]))


def delete_endpoints(stage: str, endpoint_manager: EndpointManager) -> None:
    """Delete the stage's endpoints and wait until they are gone."""
    names = endpoints.stage_endpoints(stage, endpoint_manager)
    for name in names:
        if endpoints.settled(name, endpoint_manager):
            endpoint_manager.delete(name)
    for name in names:
        endpoints.settled(name, endpoint_manager)
        say(f"{name}: deleted")


def delete_group(group: str, sagemaker: Any) -> None:
    """Delete a group of model packages; its packages first, because only an empty group can be deleted."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    for arn in [one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]]:
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def delete_alarms(stage: str) -> None:
    """Delete the alarms for updates of endpoints; all others belong to the stacks."""
    cloudwatch = boto3.client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=resource_names.prefix(stage))
    found = [
        alarm for page in pages for alarm in page["MetricAlarms"] if alarm.get("Namespace") == "AWS/SageMaker"
    ]
    names = stages.own(stage, (alarm["AlarmName"] for alarm in found))
    if names:
        cloudwatch.delete_alarms(AlarmNames=names)


def delete_logs(stage: str) -> None:
    """Delete the logs of endpoints and jobs."""
    logs = boto3.client("logs")
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=ENDPOINT_LOGS)
    names = [
        group["logGroupName"].removeprefix(ENDPOINT_LOGS) for page in groups for group in page["logGroups"]
    ]
    for name in stages.own(stage, names):
        logs.delete_log_group(logGroupName=f"{ENDPOINT_LOGS}{name}")
    for group in JOB_LOGS:
        delete_streams(stage, f"/aws/sagemaker/{group}", logs)


def delete_streams(stage: str, group: str, logs: Any) -> None:
    """Delete the log streams of the stage's jobs in a log group."""
    pages = logs.get_paginator("describe_log_streams")
    try:
        found: Iterable[str] = [
            stream["logStreamName"]
            for page in pages.paginate(logGroupName=group, logStreamNamePrefix=resource_names.prefix(stage))
            for stream in page["logStreams"]
        ]
    except logs.exceptions.ResourceNotFoundException:
        return
    for stream in stages.own(stage, found):
        logs.delete_log_stream(logGroupName=group, logStreamName=stream)
