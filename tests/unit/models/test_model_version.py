"""Status of model versions."""

from typing import Any

import pytest

from chalicelib.models.deployment import Deployment
from chalicelib.models.model_version import Status, status_of

DEPLOYED = Deployment("2", "a" * 64, None, "1", "2026-01-01")


@pytest.mark.parametrize(
    ("version", "accepted", "status"),
    [
        ("2", True, "current"),
        ("2", None, "current"),
        ("1", False, "previous"),
        ("3", None, "candidate"),
        ("3", True, "accepted"),
        ("3", False, "rejected"),
    ],
)
def test_status_comes_from_the_deployment_and_then_the_decision(
    version: str, accepted: bool | None, status: Status
) -> None:
    decision: Any = None if accepted is None else {"accepted": accepted}

    assert status_of({"version": version, "decision": decision}, DEPLOYED) == status


def test_version_without_a_deployment_is_neither_current_nor_previous() -> None:
    assert status_of({"version": "2", "decision": {"accepted": True}}, None) == "accepted"
