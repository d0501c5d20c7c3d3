"""Deletes the endpoint of a task once no model needs it: on instances, it costs by the hour."""

from contextlib import suppress

from chalicelib.errors import EndpointNotChanged, NothingToRollBackTo, UnknownModel
from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry


def delete_unused(task: str, endpoint: str, registry: Registry, endpoint_manager: EndpointManager) -> str:
    """Delete an endpoint, unless the current version of `task` or the one before is on it.

    One that is being changed stays for the next time.

    Returns:
        A sentence if it stays for a rollback; otherwise nothing.
    """
    current = registry.current(task)
    if current is None or current.endpoint == endpoint:
        return ""
    found = endpoint_manager.find(endpoint)
    if found is None or found.is_changing:
        return ""
    with suppress(NothingToRollBackTo, UnknownModel):
        if registry.previous_record(task, current).get("endpoint") == endpoint:
            return f"The endpoint {endpoint} stays for a rollback, until the next new model or `make idle`."
    with suppress(EndpointNotChanged):
        endpoint_manager.delete(endpoint)
    return ""
