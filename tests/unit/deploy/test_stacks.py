"""CloudFormation stacks."""

from collections.abc import Callable
from typing import Any

from deploy import stacks


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
