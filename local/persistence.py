"""State of the emulator that outlives it, even when it is killed.

ministack writes objects of S3 when they change, but everything else only when it stops in good order. An
event that a Lambda has worked on is forgotten only when the tables have been saved: Lambdas bear seeing one
twice.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core.persistence import save_state
from ministack.services import cloudwatch_logs, dynamodb

from local import patching
from local.lambda_events import EventQueue

# Between two saves lies at least this, and at least SHARE times as long as the last one took.
SECONDS = 2.0
SHARE = 20.0

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")


class Saver:
    """Saves the tables while they change. Used on the emulator's event loop only."""

    def __init__(self, events: EventQueue) -> None:
        self._changed = asyncio.Event()
        self._events = events

    def install(self) -> None:
        """Notice every request that may change a table, and leave out of the state what Lambdas printed."""
        patching.wrap(dynamodb, "handle_request", self._noticing_changes)
        patching.wrap(cloudwatch_logs, "get_state", without_streams)
        patching.wrap(app, "save_all", self._forgetting)

    def _noticing_changes(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
            if not headers.get("x-amz-target", "").partition(".")[2].startswith(READS):
                self._changed.set()
            return await handle(method, path, headers, *rest)

        return handle_request

    def _forgetting(self, save: Callable[..., None]) -> Callable[..., None]:
        """Saving, whatever it is, and then forgetting the events whose outcome has been saved by it."""

        def save_and_forget(*state: Any) -> None:
            done = self._events.done()
            save(*state)
            self._events.forget(done)

        return save_and_forget

    async def keep_tables(self) -> None:
        """Save the tables a moment after they changed, for ever, and forget the events that changed them."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SECONDS)
            self._changed.clear()
            started = time.monotonic()
            done = self._events.done()
            # Copied on the loop, where no request can change it meanwhile; writing needs no such care.
            state = dynamodb.get_state()
            await asyncio.to_thread(save_state, "dynamodb", state)
            self._events.forget(done)
            await asyncio.sleep(SHARE * (time.monotonic() - started))


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
