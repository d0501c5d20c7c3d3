"""The stack of the retraining and the exports, and the training code in the data bucket."""

import argparse
import hashlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
from samtranslator.yaml_helper import yaml_parse

from chalicelib import resource_names
from chalicelib.models.archive import pack
from deploy import images, stacks, stages
from deploy.progress import say
from deploy.stacks import DeployError

PROJECT = Path(__file__).resolve().parent.parent
DEFINITION = PROJECT / "statemachine" / "retrain.asl.json"
EXPORT_DEFINITION = PROJECT / "statemachine" / "export.asl.json"
RUNNER = PROJECT / "statemachine" / "run.sh"
TEMPLATE = PROJECT / "statemachine" / "template.yaml"
REQUIREMENTS = PROJECT / "training" / "requirements.txt"
GPU_IMAGES = ("pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-sagemaker",)
"""What trains on instances with GPUs, newest first. By the others, a deployment of a later version knows
that nobody has set them. The template names the image for all other instances."""
GPU_IMAGE = GPU_IMAGES[0]
WITH_GPUS = re.compile(r"ml\.[gp][0-9]")
LEFT_OUT = re.compile("chalicelib/models/[^/]+/|/__pycache__/")
"""Files that training does not need: models are in the registry."""


@dataclass(frozen=True)
class Options:
    """Settings of the retraining. None keeps the value of the deployment before."""

    schedule: str | None = None
    """When to retrain `scheduled_task`, for example rate(7 days); empty for never."""
    scheduled_task: str | None = None
    instance_type: str | None = None
    """Of the instance that trains."""

    @classmethod
    def of(cls, wanted: argparse.Namespace) -> "Options":
        """Those of a command line."""
        return cls(wanted.schedule, wanted.scheduled_task, wanted.instance)


def deploy(stage: str, outputs: Mapping[str, str], options: Options = Options()) -> None:
    """Upload the code and deploy the stack; `outputs` are those of the foundation stack."""
    bucket, wanted = boto3.client("s3"), parameters(stage, outputs, options)
    for name, content in (
        (f"{wanted['Code']}/sourcedir.tar.gz", pack(dict(source()))),
        (f"{wanted['Code']}/run.sh", RUNNER.read_bytes()),
        (wanted["Definition"], DEFINITION.read_bytes()),
        (wanted["ExportDefinition"], EXPORT_DEFINITION.read_bytes()),
    ):
        bucket.put_object(
            Bucket=outputs["DataBucket"],
            Key=name,
            Body=content,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=outputs["DataKeyArn"],
        )
    stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), wanted, protected=False)


def parameters(stage: str, outputs: Mapping[str, str], options: Options) -> dict[str, str | None]:
    """The parameters of the stack; `outputs` are those of the foundation stack."""
    code = hashlib.sha256(pack(dict(source())) + RUNNER.read_bytes()).hexdigest()[:16]
    return {
        "Stage": stage,
        "DataBucket": outputs["DataBucket"],
        "DataKeyArn": outputs["DataKeyArn"],
        "Definition": f"code/retrain-{_digest(DEFINITION)}.asl.json",
        "ExportDefinition": f"code/export-{_digest(EXPORT_DEFINITION)}.asl.json",
        "ResultsTable": outputs["ResultsTable"],
        "Code": f"code/{code}",
        "Commit": commit(),
        "ImageAccount": image_account(),
        "ScheduleExpression": options.schedule,
        "ScheduledTask": options.scheduled_task,
        "TrainingInstanceType": options.instance_type,
        "TrainingImage": training_image(stage, options.instance_type),
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def training_image(stage: str, instance_type: str | None) -> str | None:
    """The newest image that trains on instances of a type; None keeps an image that somebody has set.

    Args:
        stage: its name.
        instance_type: None for the type of the deployment before.
    """
    name, defaults = stack_name(stage), parameter_defaults()
    before: Mapping[str, str] = {}
    if stacks.stack_status(name) not in (None, *stacks.UNFINISHED):
        before = stacks.outputs(name)
        default = stacks.parameter_defaults(StackName=name).get("TrainingImage")
        if before.get("TrainingImage") not in (None, default, defaults["TrainingImage"], *GPU_IMAGES):
            return None
    trains_on = instance_type or before.get("TrainingInstanceType") or defaults["TrainingInstanceType"]
    return GPU_IMAGE if WITH_GPUS.match(trains_on) else defaults["TrainingImage"]


def image_account() -> str | None:
    """The account of the images that train and serve; None on an emulator, which needs none.

    Raises:
        DeployError: if the region does not have them.
    """
    if stages.emulator():
        return None
    region, defaults = boto3.session.Session().region_name, parameter_defaults()
    accounts = {images.account(defaults[image], region) for image in ("TrainingImage", "InferenceImage")}
    [account] = accounts  # the template has one parameter for both
    return account


def parameter_defaults() -> dict[str, str]:
    """The defaults of the template's parameters, by name."""
    parameters = yaml_parse(TEMPLATE.read_text())["Parameters"]
    return {name: one["Default"] for name, one in parameters.items() if "Default" in one}


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "retraining")


def delete(stage: str) -> None:
    """Stop running executions with their jobs, and delete the stack."""
    found = stacks.resources(stack_name(stage))
    for name in ("Retraining", "Export"):
        if name in found:
            stop_executions(found[name])
    stacks.delete_stack(stack_name(stage))


def stop_executions(machine: str) -> None:
    """Stop all running executions, and wait until they have stopped their jobs and ended.

    Raises:
        DeployError: if they do not.
    """
    states = boto3.client("stepfunctions")
    pages = states.get_paginator("list_executions")
    stopped: set[str] = set()
    running: set[str] = set()
    deadline = time.monotonic() + stacks.MAX_WAIT
    while time.monotonic() < deadline:
        found = pages.paginate(stateMachineArn=machine, statusFilter="RUNNING")
        running = {one["executionArn"] for page in found for one in page["executions"]}
        for execution in running - stopped:
            states.stop_execution(executionArn=execution, cause="The stage is being destroyed.")
            say(f"{execution.rpartition(':')[2]}: stopped")
        stopped |= running
        if not running:
            return
        time.sleep(stacks.PAUSE)
    raise DeployError(f"These executions do not stop: {', '.join(sorted(running))}.")


def source() -> Iterator[tuple[str, bytes]]:
    """The files of sourcedir.tar.gz, in the layout that SageMaker's script mode expects."""
    yield "requirements.txt", REQUIREMENTS.read_bytes()
    for folder in ("chalicelib", "training"):
        for path in sorted((PROJECT / folder).rglob("*")):
            name = path.relative_to(PROJECT).as_posix()
            if path.is_file() and not LEFT_OUT.search(name):
                yield name, path.read_bytes()


def commit() -> str:
    """The git commit of the code, with "-dirty" if files differ from it; "" if it is unknown."""
    describe = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        said = subprocess.run(["git", "-C", PROJECT, *describe], capture_output=True, text=True, check=True)
        return said.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
