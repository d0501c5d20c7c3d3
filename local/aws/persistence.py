"""State of the emulator that outlives it.

ministack writes objects of S3 when they change, and local.aws.dynamodb the items of DynamoDB; everything else
is saved when the system has started and when the emulator stops in good order.
"""

from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import cloudwatch_logs

from local.aws import patching


def install() -> None:
    """Leave out of the state what Lambdas printed."""
    patching.wrap(cloudwatch_logs, "get_state", without_streams)


def without_streams(get_state: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Log groups stay, streams do not: there is one per invocation, and starting would read them all."""

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
