"""The Lambda `administration`: changes of models and endpoints at an administrator's request.

The API asks it, so that the role of the API cannot change what classifies.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, TypedDict

from chalicelib.errors import NegatoscopeError
from chalicelib.models import rollback
from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry
from chalicelib.retraining.service import RetrainingService
from chalicelib.retraining.stopper import Stopper
from chalicelib.storage.audit import Audit
from chalicelib.tasks import load_task


class Request(TypedDict):
    """What an administrator wants."""

    act: Literal["roll-back-model", "stop-retraining"]
    subject: str
    """Name of the task, or of the retraining."""
    version: str | None
    """The version to roll back; None for the current one."""
    user: str


@dataclass(frozen=True)
class Administration:
    """Does what administrators ask for."""

    service: RetrainingService
    stopper: Stopper
    registry: Registry
    endpoint_manager: EndpointManager
    audit: Audit

    def answer(self, request: Request) -> dict[str, Any]:
        """What the act returns; of a refusal `code` and `message`."""
        act: Callable[[Request], dict[str, Any]] = {
            "roll-back-model": self._roll_back,
            "stop-retraining": self._stop,
        }[request["act"]]
        try:
            return act(request)
        except NegatoscopeError as error:
            return {"code": error.code, "message": error.message}

    def _roll_back(self, request: Request) -> dict[str, Any]:
        task, user = load_task(request["subject"]), request["user"]
        self.service.check_idle(task)
        begin = partial(self._record_rollback, user, task.name)
        deployment = rollback.roll_back(
            task.name, self.registry, self.endpoint_manager, request["version"], begin
        )
        return asdict(deployment)

    def _record_rollback(self, user: str, task: str, version: str) -> None:
        self.audit.record(user, "roll-back-model", task, version=version)

    def _stop(self, request: Request) -> dict[str, Any]:
        self.stopper.stop(request["subject"], request["user"])
        return {}
