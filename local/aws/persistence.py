"""State of the emulator that survives a restart.

ministack writes S3 objects when they change, and local.aws.dynamodb writes the items of DynamoDB. Everything
else is saved when the system has started and when the emulator stops in good order.
"""

from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import cloudwatch_logs

from local.aws import patching


def install() -> None:
    """Exclude log streams from the saved state.

    ministack saves all of them and reads them at the next start, which takes longer with every invocation.
    Can go when ministack limits the streams that it saves.
    """
    patching.wrap(cloudwatch_logs, "get_state", without_streams)


def without_streams(get_state: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Keep log groups and drop their streams, of which there is one per invocation."""

    def get_state_without_streams() -> dict[str, Any]:
        state = get_state()
        for group in state["log_groups"]._data.values():
            group["streams"] = {}
        state["log_records"]._data.clear()
        return state

    return get_state_without_streams


def save_everything() -> None:
    """Save the state of all services."""
    app.save_all(app._build_persistence_save_dict())
