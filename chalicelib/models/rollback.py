"""Puts the model back that classified before the current one, in one step."""

from chalicelib.errors import EndpointNotChanged, ModelChanged
from chalicelib.models.deployment import Deployment
from chalicelib.models.endpoint_manager import DELETING, IN_SERVICE, EndpointManager, EndpointStatus
from chalicelib.models.registry import Registry


def roll_back(
    task: str, registry: Registry, endpoint_manager: EndpointManager, version: str | None = None
) -> Deployment:
    """Let the previous version of `task` classify again, and return its deployment.

    The endpoints change first and the registry last, so that a rollback that was cut short is finished by
    asking for it again, wherever it stopped. Until the registry changes, the current version answers, in the
    Lambda that is asked if its endpoint has changed already; from then on the previous one does, likewise. An
    endpoint that the current version leaves is deleted.

    Args:
        task: whose model it is.
        registry: of models.
        endpoint_manager: of endpoints.
        version: that is to be rolled back. If it has been already, nothing happens, so that a request whose
            answer was lost can be repeated. Without it, whatever is current is rolled back.

    Raises:
        NothingToRollBackTo: if there is no previous version.
        EndpointNotChanged: if an endpoint is being changed right now; nothing has happened then.
        ModelChanged: if another version has become the current one meanwhile; it stays, and its package
            answers where its endpoint has changed.
    """
    current = registry.current(task)
    if current and version not in (None, current.version):
        if current.previous == version:
            return current
        raise ModelChanged(f"{version} is not the current model of {task}; {current.version} is.")
    previous = registry.previous_record(task, current)
    target, config = previous.get("endpoint"), previous.get("config")
    left = current.endpoint if current and current.endpoint != target else None
    target_now, left_now = _reached(target, config, endpoint_manager), _settled(left, endpoint_manager)
    if target_now and config and not target_now.serves(config):
        if target_now.status == IN_SERVICE:
            endpoint_manager.update(target_now.name, config)
        else:
            # It can only be deleted; it is created again when endpoints are woken.
            endpoint_manager.delete(target_now.name)
    if left_now:
        endpoint_manager.delete(left_now.name)
    return registry.roll_back(task, current)


def _reached(
    name: str | None, config: str | None, endpoint_manager: EndpointManager
) -> EndpointStatus | None:
    """An endpoint that serves a configuration, will soon, or can be told to; None if it is gone."""
    endpoint = endpoint_manager.find(name) if name else None
    return endpoint if endpoint and endpoint.serves(config) else _settled(name, endpoint_manager)


def _settled(name: str | None, endpoint_manager: EndpointManager) -> EndpointStatus | None:
    """An endpoint that nothing is being done to; None if it is not there, or will soon not be."""
    endpoint = endpoint_manager.find(name) if name else None
    if endpoint is None or endpoint.status == DELETING:
        return None
    if endpoint.is_changing:
        raise EndpointNotChanged(
            f"The endpoint {endpoint.name} is being changed ({endpoint.status}). Try again in a few minutes."
        )
    return endpoint
