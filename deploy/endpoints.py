"""Take the endpoints of one stage down, or bring them back: `python -m deploy.endpoints idle|wake STAGE`.

Endpoints on instances cost by the hour, asked or not. While they are down, the application runs the packages
of the same models itself. Safe to repeat; where AWS_ENDPOINT_URL names an emulator, it works there.
"""

import argparse
import sys
import time
from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import EndpointNotChanged
from chalicelib.models.endpoint_manager import IN_SERVICE, EndpointManager, EndpointStatus
from chalicelib.models.registry import Registry
from chalicelib.models.scaling import Scaling
from chalicelib.settings import SettingsError, read_endpoints
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import load_tasks
from deploy import stages
from deploy.progress import say
from deploy.stacks import DeployError

PATIENCE = 3600.0
"""Seconds for an endpoint to get from one state to another; SageMaker gives up before."""
PAUSE = 5.0
"""Seconds between two looks; SageMaker takes minutes."""


class EndpointCommandFailed(Exception):
    """Why the endpoints are not as they should be, in words for the person who started this."""


def main() -> None:
    """Do what the command line says, or end with a sentence that says what went wrong."""
    parser = argparse.ArgumentParser(description="Take the endpoints of one stage down, or bring them back.")
    parser.add_argument("action", choices=("idle", "wake"))
    parser.add_argument("stage", help="name of the installation, for example prod")
    arguments = parser.parse_args()
    try:
        variables = stage_variables(arguments.stage)
        if arguments.action == "idle":
            idle(arguments.stage, variables, endpoint_manager())
        else:
            wake(Registry(DataBucket(boto3.client("s3"), variables["DATA_BUCKET"])), endpoint_manager())
    except (
        EndpointCommandFailed,
        EndpointNotChanged,
        SettingsError,
        StorageFailed,
        ClientError,
        BotoCoreError,
    ) as error:
        sys.exit(f"Not done. {error}")


def endpoint_manager() -> EndpointManager:
    """SageMaker, where endpoints are managed."""
    return EndpointManager(
        boto3.client("sagemaker"), Scaling(lambda: boto3.client("application-autoscaling"))
    )


def stage_variables(stage: str) -> Mapping[str, str]:
    """The environment of the stage's Lambdas, as deploying recorded it."""
    try:
        return stages.deployed(stage)
    except DeployError as error:
        raise EndpointCommandFailed(str(error)) from None


# -------------------------------------------------------------------------------------------------- idle


def idle(stage: str, variables: Mapping[str, str], endpoint_manager: EndpointManager) -> None:
    """Delete the stage's endpoints, and wait until they are gone; their configurations stay."""
    named = {endpoint.name for endpoint in read_endpoints(variables.get("ENDPOINTS") or "{}").values()}
    names = stage_endpoints(stage, endpoint_manager)
    for name in names:
        if name in named:
            say(f"{name}: stays, because the stage or a task's file names it")
            continue
        endpoint = settled(name, endpoint_manager)
        if endpoint:
            endpoint_manager.delete(name)
            say(f"{name}: is being deleted")
    for name in set(names) - named:
        settled(name, endpoint_manager)
        say(f"{name}: is gone")
    if not names:
        say("There are no endpoints.")


def stage_endpoints(stage: str, endpoint_manager: EndpointManager) -> list[str]:
    """The names of the stage's endpoints."""
    return stages.own(stage, endpoint_manager.names(f"negatoscope-{stage}-"))


# -------------------------------------------------------------------------------------------------- wake


def wake(registry: Registry, endpoint_manager: EndpointManager) -> None:
    """Create what is missing of the endpoints that the registry knows, and wait until all are in service."""
    endpoints: dict[str, str] = {}
    for task in load_tasks():
        deployment = registry.current(task)
        if deployment is None or deployment.endpoint is None:
            say(f"{task}: needs no endpoint")
        elif deployment.config is None:
            raise EndpointCommandFailed(
                f"Nobody noted the configuration of {deployment.endpoint}: deploy {task} anew."
            )
        else:
            endpoints[deployment.endpoint] = deployment.config
    for name, config in endpoints.items():
        create(name, config, endpoint_manager)
    for name in endpoints:
        endpoint = settled(name, endpoint_manager)
        if endpoint is None or endpoint.status != IN_SERVICE:
            reason = endpoint.failure if endpoint else "somebody has deleted it"
            raise EndpointCommandFailed(f"{name} did not come into service: {reason}")
        endpoint_manager.scale(name, endpoint.config)
        say(f"{name}: is in service")


def create(name: str, config: str, endpoint_manager: EndpointManager) -> None:
    """Create an endpoint, unless it is there; one that failed can only be replaced."""
    endpoint = settled(name, endpoint_manager)
    if endpoint and endpoint.status == IN_SERVICE:
        return
    if endpoint:
        endpoint_manager.delete(name)
        settled(name, endpoint_manager)
    endpoint_manager.create(name, config)
    say(f"{name}: is being created with {config}")


def settled(name: str, endpoint_manager: EndpointManager) -> EndpointStatus | None:
    """Wait until nothing is being done to an endpoint, and return it; None if there is none (any more)."""
    deadline = time.monotonic() + PATIENCE
    told = ""
    while (endpoint := endpoint_manager.find(name)) and endpoint.is_changing:
        if time.monotonic() > deadline:
            raise EndpointCommandFailed(f"{name} is still {endpoint.status}.")
        if endpoint.status != told:
            told = endpoint.status
            say(f"{name}: {told}")
        time.sleep(PAUSE)
    return endpoint


if __name__ == "__main__":
    main()
