"""Puts the model back that classified before the current one, in one step."""

from chalicelib.errors import EndpointNotChanged
from chalicelib.hosting import IN_SERVICE, Hosted, Hosting
from chalicelib.registry import Deployment, Registry


def roll_back(task: str, registry: Registry, hosting: Hosting) -> Deployment:
    """Let the previous version of `task` classify again, and return its deployment.

    It answers from now on: while its endpoint is on its way back, or where it has none, its package is run in
    the Lambda that is asked. An endpoint that the current version leaves is deleted. A retraining that is
    about to deploy would undo all this: whoever calls has to make sure that none is.

    Raises:
        NothingToRollBackTo: if there is no previous version.
        EndpointNotChanged: if an endpoint is being changed right now; nothing has happened then.
    """
    previous, current = registry.previous(task), registry.current(task)
    target, config = previous.get("endpoint"), previous.get("config")
    left = current.endpoint if current and current.endpoint != target else None
    target_now, left_now = (_settled(name, hosting) for name in (target, left))
    if target_now and config and target_now.config != config:
        if target_now.status == IN_SERVICE:
            hosting.update(target_now.name, config)
        else:
            # It can only be deleted; it is created again when endpoints are woken.
            hosting.delete(target_now.name)
    deployment = registry.roll_back(task)
    if left_now:
        # Last: whoever has not heard yet finds it gone, and asks the registry.
        hosting.delete(left_now.name)
    return deployment


def _settled(endpoint: str | None, hosting: Hosting) -> Hosted | None:
    """An endpoint that nothing is being done to; None if it is not there."""
    hosted = hosting.find(endpoint) if endpoint else None
    if hosted and hosted.is_changing:
        raise EndpointNotChanged(
            f"The endpoint {hosted.name} is being changed right now ({hosted.status}). Try again when that "
            "is over, in some minutes."
        )
    return hosted
