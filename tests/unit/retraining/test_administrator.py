"""What the API makes of the answers of the Lambda `administration`."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from chalicelib.errors import AdministrationFailed, NothingToStop
from chalicelib.models.deployment import Deployment
from chalicelib.retraining.administrator import Administrator
from tests import images
from tests.lambdas import FakeLambda
from tests.models import TASK


def administrator(handler: Callable[[Any], Any]) -> Administrator:
    return Administrator(lambda: FakeLambda(handler), "administration")


def test_rollback_returns_the_deployment() -> None:
    asked: list[Any] = []
    deployment = Deployment("1", "a", None, "2", "2026-01-01T00:00:00Z")

    def roll_back(event: Any) -> Any:
        asked.append(event)
        return asdict(deployment)

    assert administrator(roll_back).roll_back(TASK, "2", "me") == deployment
    assert asked == [{"act": "roll-back-model", "subject": TASK, "version": "2", "user": "me"}]


def test_refusals_are_raised_as_they_were_there() -> None:
    with pytest.raises(NothingToStop, match="It has ended"):
        administrator(lambda _: {"code": "NothingToStop", "message": "It has ended."}).stop("run", "me")


def test_failure_says_to_repeat_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError(images.PATIENT)

    with pytest.raises(AdministrationFailed, match="may be incomplete") as failure:
        administrator(fail).stop("run", "me")
    assert images.PATIENT not in str(failure.value) + str([vars(record) for record in caplog.records])
