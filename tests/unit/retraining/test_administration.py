"""The Lambda `administration`: what it does, and how it refuses."""

from typing import Any, cast

import pytest

from chalicelib.errors import AlreadyRetraining, NothingToStop
from chalicelib.retraining.administration import Administration, Request
from chalicelib.retraining.service import RetrainingService
from chalicelib.retraining.stopper import Stopper
from tests.models import TASK


class Refusing:
    """Refuses everything."""

    def check_idle(self, _task: Any) -> None:
        raise AlreadyRetraining("It is being retrained by run-1.")

    def stop(self, _name: str, _user: str) -> None:
        raise NothingToStop("It has ended.")


def request(act: Any, subject: str) -> Request:
    return {"act": act, "subject": subject, "version": None, "user": "me"}


@pytest.fixture
def administration() -> Administration:
    refusing: Any = Refusing()
    service, stopper = cast(RetrainingService, refusing), cast(Stopper, refusing)
    nothing: Any = None  # whoever is refused touches neither models, endpoints nor the audit record
    return Administration(service, stopper, registry=nothing, endpoint_manager=nothing, audit=nothing)


def test_refusals_are_answers(administration: Administration) -> None:
    assert administration.answer(request("roll-back-model", TASK)) == {
        "code": "AlreadyRetraining",
        "message": "It is being retrained by run-1.",
    }
    assert administration.answer(request("stop-retraining", "run"))["code"] == "NothingToStop"


@pytest.mark.parametrize("act", ["plan", "promote", "__init__"])
def test_nothing_else_can_be_asked_for(administration: Administration, act: str) -> None:
    with pytest.raises(KeyError):
        administration.answer(request(act, TASK))
