"""Restores the previous model of a task, in one step."""

from collections.abc import Callable

from chalicelib.errors import EndpointNotChanged, ModelChanged, NothingToRollBackTo
from chalicelib.models.deployment import Deployment
from chalicelib.models.endpoint_manager import DELETING, EndpointManager, EndpointStatus
from chalicelib.models.package import describe_misfit
from chalicelib.models.registry import Registry
from chalicelib.tasks import load_task


def roll_back(
    task: str,
    registry: Registry,
    endpoint_manager: EndpointManager,
    version: str | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> Deployment:
    """Make the previous version of `task` the current one, and return its deployment.

    The endpoints change first and the registry last, so that an interrupted rollback is finished by repeating
    it. Until the registry changes, the current version answers, in the Lambda itself if its endpoint has
    changed already; after that the previous version does, likewise. An endpoint that the current version no
    longer uses is deleted, and so is one that is to have other instances: scaling would have to start after
    the update, for whose end nothing waits here.

    Args:
        task: name of the task.
        registry: the registry of models.
        endpoint_manager: changes the endpoints.
        version: the version to roll back. If it has been rolled back already, nothing happens, so that a
            request whose answer was lost can be repeated. Without it, the current version is rolled back.
        begin: called with the version to return to, when nothing speaks against it and before any change.

    Raises:
        NothingToRollBackTo: if there is no previous version, or it does not fit the task any more.
        EndpointNotChanged: if an endpoint is being changed; nothing has happened then.
        ModelChanged: if another version has become current; it stays, and its package answers if its
            endpoint has changed.
    """
    current = registry.current(task)
    if current and version not in (None, current.version):
        if current.previous == version:
            return current
        raise ModelChanged(f"{version} is not the current model of {task}; {current.version} is.")
    previous = registry.previous_record(task, current)
    if misfit := describe_misfit(registry.facts(task, previous["version"]), load_task(task)):
        raise NothingToRollBackTo(f"The previous version of {task}, {previous['version']}, {misfit}.")
    target, config = previous.get("endpoint"), previous.get("config")
    left = current.endpoint if current and current.endpoint != target else None
    target_now, left_now = _reached(target, config, endpoint_manager), _settled(left, endpoint_manager)
    begin(previous["version"])
    if target_now and config and not target_now.serves(config):
        if endpoint_manager.can_update_at_once(target_now, config):
            endpoint_manager.update(target_now.name, config)
        else:
            # `deploy.endpoints wake` creates it again, with its scaling.
            endpoint_manager.delete(target_now.name)
    if left_now:
        endpoint_manager.delete(left_now.name)
    return registry.roll_back(task, current)


def _reached(
    name: str | None, config: str | None, endpoint_manager: EndpointManager
) -> EndpointStatus | None:
    """An endpoint that serves a configuration, now or soon, or can be updated to it; None if it is gone."""
    endpoint = endpoint_manager.find(name) if name else None
    return endpoint if endpoint and endpoint.serves(config) else _settled(name, endpoint_manager)


def _settled(name: str | None, endpoint_manager: EndpointManager) -> EndpointStatus | None:
    """An endpoint that is not being changed; None if it does not exist or is being deleted."""
    endpoint = endpoint_manager.find(name) if name else None
    if endpoint is None or endpoint.status == DELETING:
        return None
    if endpoint.is_changing:
        raise EndpointNotChanged(
            f"The endpoint {endpoint.name} is being changed ({endpoint.status}). Try again in a few minutes."
        )
    return endpoint
