"""Validation of training job definitions beyond their form, which `api_model` checks."""

import re
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import invalid, limit_exceeded, unsupported
from local.sagemaker.hosts import MAX_HOSTS
from local.sagemaker.roles import check_role
from local.sagemaker.script_mode import PROGRAM, SUBMIT_DIRECTORY, decode

DAY = 24 * 3600
WITHOUT_QUOTA = "ml.p"
"""New accounts may not use instances with several GPUs; the others have a quota here."""


def check_definition(job: Mapping[str, Any], hyperparameters: Mapping[str, str]) -> None:
    """Raise SageMakerError if a training job, or one of a tuning job, is invalid or not supported here."""
    check_role(job["RoleArn"])
    _check_program(hyperparameters)
    _check_algorithm(job.get("AlgorithmSpecification") or {})
    _check_channels(job.get("InputDataConfig", ()))
    if job["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise unsupported("OutputDataConfig.CompressionType NONE")
    resources = job.get("ResourceConfig", {})
    if "InstanceType" not in resources or not 1 <= resources.get("InstanceCount", 0) <= MAX_HOSTS:
        raise unsupported(f"A ResourceConfig without an InstanceType and 1 to {MAX_HOSTS} instances")
    if resources["InstanceType"].startswith(WITHOUT_QUOTA):
        raise limit_exceeded(resources["InstanceType"], "training job usage")
    if job.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints") != "/opt/ml/checkpoints":
        raise unsupported("A CheckpointConfig.LocalPath other than /opt/ml/checkpoints")
    check_stopping(job.get("StoppingCondition", {}), job.get("EnableManagedSpotTraining", False))


def check_stopping(condition: Mapping[str, int], spot: bool) -> None:
    """Raise SageMakerError if the time limits are inconsistent."""
    wait, run = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", DAY)
    if spot and (wait is None or wait < run):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds when EnableManagedSpotTraining is true."
        )
    if not spot and wait is not None:
        raise invalid("MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is false.")


def check_input(source: Mapping[str, Any], where: str) -> None:
    """Raise SageMakerError unless the data source is a prefix or a manifest in S3."""
    if source.get("S3DataType") not in ("S3Prefix", "ManifestFile"):
        raise unsupported(f"A data source of {where} that is neither S3Prefix nor ManifestFile")


def _check_program(hyperparameters: Mapping[str, str]) -> None:
    missing = [name for name in (PROGRAM, SUBMIT_DIRECTORY) if name not in hyperparameters]
    if missing:
        raise unsupported(f"Training without script mode (HyperParameters lack {', '.join(missing)})")
    source = str(decode(hyperparameters[SUBMIT_DIRECTORY]))
    if not source.startswith("s3://"):
        raise unsupported(f"A {SUBMIT_DIRECTORY} outside S3 ({source})")


def _check_algorithm(algorithm: Mapping[str, Any]) -> None:
    if "TrainingImage" not in algorithm:
        raise unsupported("An AlgorithmSpecification without TrainingImage")
    if algorithm["TrainingInputMode"] == "Pipe":
        raise unsupported("TrainingInputMode Pipe")
    if "ContainerEntrypoint" in algorithm or "ContainerArguments" in algorithm:
        raise unsupported("ContainerEntrypoint or ContainerArguments of a training job")
    for metric in algorithm.get("MetricDefinitions", ()):
        try:
            groups = re.compile(metric["Regex"]).groups
        except re.error as error:
            raise invalid(
                f"Metric {metric['Name']} has an invalid regular expression: {metric['Regex']}"
            ) from error
        if groups < 1:
            raise invalid(f"The regular expression of metric {metric['Name']} has no group for the value.")


def _check_channels(channels: Any) -> None:
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        raise invalid("Each channel name in the input data configuration must be unique.")
    for channel in channels:
        check_input(channel["DataSource"].get("S3DataSource", {}), f"channel {channel['ChannelName']}")
        for member, only in (("CompressionType", "None"), ("RecordWrapperType", "None")):
            if channel.get(member, only) != only:
                raise unsupported(f"{member} {channel[member]} of channel {channel['ChannelName']}")
        if channel.get("InputMode") == "Pipe":
            raise unsupported("InputMode Pipe")
