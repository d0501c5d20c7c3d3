"""What AWS answers in several pages is read to the end."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

from deploy import application, stacks


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """Has AWS answer each operation with the pages given, and returns the requests that were sent."""
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")

    def install(**pages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        sent: list[tuple[str, dict[str, Any]]] = []

        def send(_client: BaseClient, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            sent.append((operation, request))
            if operation not in pages:
                return {}
            number = int(request.get("NextToken", 0))
            following = {"NextToken": str(number + 1)} if number + 1 < len(pages[operation]) else {}
            return pages[operation][number] | following

        monkeypatch.setattr(BaseClient, "_make_api_call", send)
        return sent

    return install


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


def test_failure_reasons_include_every_page(answer: Callable[..., list[tuple[str, dict[str, Any]]]]) -> None:
    def event(operation: int, resource: str) -> dict[str, str | int]:
        return {"OperationId": operation, "LogicalResourceId": resource, "ResourceStatusReason": "why"}

    answer(
        DescribeEvents=[
            {"OperationEvents": [event(2, "A")]},
            {"OperationEvents": [event(2, "B"), event(1, "old")]},
        ]
    )

    assert list(stacks.failure_reasons("x")) == ["  A: why", "  B: why"]


def test_resources_include_every_page(answer: Callable[..., list[tuple[str, dict[str, Any]]]]) -> None:
    answer(
        DescribeStacks=[{"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}],
        ListStackResources=[
            {"StackResourceSummaries": [{"LogicalResourceId": "A", "PhysicalResourceId": "a"}]},
            {"StackResourceSummaries": [{"LogicalResourceId": "B"}]},
            {"StackResourceSummaries": [{"LogicalResourceId": "C", "PhysicalResourceId": "c"}]},
        ],
    )

    assert stacks.resources("x") == {"A": "a", "C": "c"}
