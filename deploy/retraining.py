"""The stack of the retraining, and the training code in the data bucket."""

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3

from chalicelib import resource_names
from chalicelib.models.archive import pack
from deploy import stacks
from deploy.progress import say

PROJECT = Path(__file__).resolve().parent.parent
DEFINITION = PROJECT / "statemachine" / "retrain.asl.json"
RUNNER = PROJECT / "statemachine" / "run.sh"
TEMPLATE = PROJECT / "statemachine" / "template.yaml"
REQUIREMENTS = PROJECT / "training" / "requirements.txt"
LEFT_OUT = re.compile("chalicelib/models/[^/]+/|/__pycache__/")
"""Files that training does not need: models are in the registry."""


def deploy(stage: str, outputs: Mapping[str, str]) -> None:
    """Upload the code and deploy the stack; `outputs` are those of the foundation stack."""
    bucket, key = boto3.client("s3"), outputs["DataKeyArn"]
    archive = pack(dict(source()))
    folder = f"code/{hashlib.sha256(archive + RUNNER.read_bytes()).hexdigest()[:16]}"
    definition = f"code/retrain-{hashlib.sha256(DEFINITION.read_bytes()).hexdigest()[:16]}.asl.json"
    for name, content in (
        (f"{folder}/sourcedir.tar.gz", archive),
        (f"{folder}/run.sh", RUNNER.read_bytes()),
        (definition, DEFINITION.read_bytes()),
    ):
        bucket.put_object(
            Bucket=outputs["DataBucket"],
            Key=name,
            Body=content,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key,
        )
    parameters: dict[str, str | None] = {
        "Stage": stage,
        "DataBucket": outputs["DataBucket"],
        "DataKeyArn": key,
        "Definition": definition,
        "Code": folder,
        "Commit": commit(),
    }
    stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), parameters, protected=False)


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "retraining")


def delete(stage: str) -> None:
    """Stop running executions with their jobs, and delete the stack."""
    machine = stacks.resources(stack_name(stage)).get("Retraining")
    if machine:
        stop_executions(machine)
    stacks.delete_stack(stack_name(stage))


def stop_executions(machine: str) -> None:
    """Stop all running executions, and wait until they have stopped their jobs and ended."""
    states = boto3.client("stepfunctions")
    pages = states.get_paginator("list_executions")
    stopped: set[str] = set()
    while True:
        found = pages.paginate(stateMachineArn=machine, statusFilter="RUNNING")
        running = {one["executionArn"] for page in found for one in page["executions"]}
        for execution in running - stopped:
            states.stop_execution(executionArn=execution, cause="The stage is being destroyed.")
            say(f"{execution.rpartition(':')[2]}: stopped")
        stopped |= running
        if not running:
            return
        time.sleep(stacks.PAUSE)


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
