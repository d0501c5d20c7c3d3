"""Asks the Lambda `administration` to change models and endpoints."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import AdministrationFailed, NegatoscopeError, refusal
from chalicelib.models.deployment import Deployment
from chalicelib.observability import logger
from chalicelib.retraining.administration import Request


@dataclass(frozen=True)
class Administrator:
    """Changes models and endpoints through another Lambda. All methods raise what that one raises."""

    client: Callable[[], Any]
    """Makes the boto3 `lambda` client."""
    function: str
    """Name of the Lambda."""

    def roll_back(self, task: str, version: str | None, user: str) -> Deployment:
        """Make the previous version of a task the current one; see `rollback.roll_back`.

        Raises:
            AlreadyRetraining: if the task is being retrained.
        """
        request: Request = {"act": "roll-back-model", "subject": task, "version": version, "user": user}
        return Deployment(**self._ask(request))

    def stop(self, name: str, user: str) -> None:
        """Stop a retraining; see `Stopper.stop`."""
        self._ask({"act": "stop-retraining", "subject": name, "version": None, "user": user})

    def _ask(self, request: Request) -> dict[str, Any]:
        response = self.client().invoke(FunctionName=self.function, Payload=json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            logger.error("administration failed", extra={"error": answer.get("errorType")})
            raise AdministrationFailed("The change failed and may be incomplete. Try again.")
        if "code" in answer:
            raise refusal(answer["code"], answer["message"], NegatoscopeError)
        return answer
