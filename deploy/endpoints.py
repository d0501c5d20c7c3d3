"""Delete the endpoints of one stage, or create them again: `python -m deploy.endpoints idle|wake STAGE`.

Endpoints on instances cost by the hour, used or not. Without them, the Lambdas run the same models. Safe to
repeat. It works on AWS or, if AWS_ENDPOINT_URL is set, on an emulator.
"""

import argparse
import time
from collections.abc import Mapping

import boto3

from chalicelib import resource_names
from chalicelib.errors import EndpointNotChanged
from chalicelib.models.endpoint_manager import IN_SERVICE, EndpointManager, EndpointStatus
from chalicelib.models.registry import Registry
from chalicelib.models.scaling import Scaling
from chalicelib.settings import SettingsError, read_endpoints
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks
from deploy import failures, stages
from deploy.progress import say
from deploy.stacks import DeployError

PATIENCE = 3600.0
"""Maximum seconds of a change of an endpoint; SageMaker gives up before."""
PAUSE = 5.0
"""Seconds between two requests for the status; a change takes minutes."""


class EndpointCommandFailed(Exception):
    """The endpoints could not be changed; the message is for the user."""


def main() -> None:
    """Run the command; exit with a message if it fails."""
    parser = argparse.ArgumentParser(description="Delete the endpoints of one stage, or create them again.")
    parser.add_argument("action", choices=("idle", "wake"))
    parser.add_argument("stage", help="name of the installation, for example prod")
    arguments = parser.parse_args()
    with failures.reported("Not done.", EndpointCommandFailed, EndpointNotChanged, SettingsError):
        variables = stage_variables(arguments.stage)
        if arguments.action == "idle":
            idle(arguments.stage, variables, endpoint_manager())
        else:
            wake(Registry(DataBucket(boto3.client("s3"), variables["DATA_BUCKET"])), endpoint_manager())


def endpoint_manager() -> EndpointManager:
    """An endpoint manager with clients for this account."""
    return EndpointManager(
        boto3.client("sagemaker"), Scaling(lambda: boto3.client("application-autoscaling"))
    )


def stage_variables(stage: str) -> Mapping[str, str]:
    """The environment variables of the stage's Lambdas, as `make deploy` recorded them."""
    try:
        variables = stages.deployed(stage)
        stages.check_account(stage)
        return variables
    except DeployError as error:
        raise EndpointCommandFailed(str(error)) from None


# -------------------------------------------------------------------------------------------------- idle


def idle(stage: str, variables: Mapping[str, str], endpoint_manager: EndpointManager) -> None:
    """Delete the stage's endpoints and wait until they are gone; keep their configurations."""
    named = {endpoint.name for endpoint in read_endpoints(variables.get("ENDPOINTS") or "{}").values()}
    names = stage_endpoints(stage, endpoint_manager)
    for name in names:
        if name in named:
            say(f"{name}: kept, because the stage or a task file names it")
            continue
        endpoint = settled(name, endpoint_manager)
        if endpoint:
            endpoint_manager.delete(name)
            say(f"{name}: deleting")
    for name in set(names) - named:
        settled(name, endpoint_manager)
        say(f"{name}: deleted")
    if not names:
        say("There are no endpoints.")


def stage_endpoints(stage: str, endpoint_manager: EndpointManager) -> list[str]:
    """Names of the stage's endpoints."""
    return stages.own(stage, endpoint_manager.names(resource_names.prefix(stage)))


# -------------------------------------------------------------------------------------------------- wake


def wake(registry: Registry, endpoint_manager: EndpointManager) -> None:
    """Create the registered endpoints that are missing, and wait until all are in service."""
    endpoints: dict[str, str] = {}
    for task in load_tasks():
        deployment = registry.current(task)
        if deployment is None or deployment.endpoint is None:
            say(f"{task}: needs no endpoint")
        elif deployment.config is None:
            raise EndpointCommandFailed(
                f"The configuration of {deployment.endpoint} is unknown: retrain {task}."
            )
        else:
            endpoints[deployment.endpoint] = deployment.config
    for name, config in endpoints.items():
        create(name, config, endpoint_manager)
    for name in endpoints:
        endpoint = settled(name, endpoint_manager)
        if endpoint is None or endpoint.status != IN_SERVICE:
            reason = endpoint.failure if endpoint else "it was deleted"
            raise EndpointCommandFailed(f"{name} did not come into service: {reason}")
        endpoint_manager.scale(name, endpoint.config)
        say(f"{name}: in service")


def create(name: str, config: str, endpoint_manager: EndpointManager) -> None:
    """Create an endpoint unless it is in service. One that failed is deleted first."""
    endpoint = settled(name, endpoint_manager)
    if endpoint and endpoint.status == IN_SERVICE:
        return
    if endpoint:
        endpoint_manager.delete(name)
        settled(name, endpoint_manager)
    endpoint_manager.create(name, config)
    say(f"{name}: creating with {config}")


def settled(name: str, endpoint_manager: EndpointManager) -> EndpointStatus | None:
    """Wait for the end of a change of an endpoint. Return the endpoint, or None if it does not exist."""
    deadline = time.monotonic() + PATIENCE
    printed = ""
    while (endpoint := endpoint_manager.find(name)) and endpoint.is_changing:
        if time.monotonic() > deadline:
            raise EndpointCommandFailed(f"{name} is still {endpoint.status}.")
        if endpoint.status != printed:
            printed = endpoint.status
            say(f"{name}: {printed}")
        time.sleep(PAUSE)
    return endpoint


if __name__ == "__main__":
    main()
