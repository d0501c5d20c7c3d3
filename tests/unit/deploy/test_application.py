"""Checking and deleting what Chalice deploys."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from deploy import application
from deploy.stacks import DeployError
from local.deployment import ANSWERS


def test_delete_removes_rules_and_targets_of_every_page(
    answer: Callable[..., list[tuple[str, dict[str, Any]]]],
) -> None:
    rules = [f"negatoscope-prod-{number}" for number in range(3)]
    sent = answer(
        ListRules=[{"Rules": [{"Name": rule}]} for rule in rules],
        ListTargetsByRule=[{"Targets": [{"Id": "a"}]}, {"Targets": [{"Id": "b"}]}],
    )

    application.delete_rules("prod")

    removed = [request for operation, request in sent if operation == "RemoveTargets"]
    assert [request["Ids"] for request in removed] == [["a", "b"]] * 3
    assert [request["Name"] for operation, request in sent if operation == "DeleteRule"] == rules


@pytest.mark.parametrize(
    ("error", "answered", "reason"),
    [
        ({}, {"statusCode": 200, "body": "{}"}, None),
        ({}, {"statusCode": 500, "body": "InternalError"}, "InternalError"),
        (
            {"FunctionError": "Unhandled"},
            {"errorMessage": "No module named 'numpy'"},
            "No module named 'numpy'",
        ),
        ({"FunctionError": "Unhandled"}, {"errorType": "Runtime.ExitError"}, "Runtime.ExitError"),
    ],
)
def test_code_that_does_not_answer_stops_the_deployment(
    answer: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    error: dict[str, str],
    answered: dict[str, Any],
    reason: str | None,
) -> None:
    payload = BytesIO(json.dumps(answered).encode())
    sent = answer(
        GetFunction=[{"Configuration": {"LastUpdateStatus": "Successful"}}],
        Invoke=[{"Payload": payload, **error}],
    )
    if reason is None:
        application.check_code("prod")
        assert capsys.readouterr().out.rstrip().endswith(ANSWERS)  # `make run` waits for this
    else:
        with pytest.raises(DeployError, match=f"negatoscope-prod does not answer: .*{reason}"):
            application.check_code("prod")
    assert [name for name, _ in sent] == ["GetFunction", "Invoke"]
