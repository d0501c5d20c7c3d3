"""Why stacks fail, and what to do about it."""

from collections.abc import Callable
from typing import Any

from deploy import stack_failures


def test_failure_reasons_include_every_page(answer: Callable[..., list[tuple[str, dict[str, Any]]]]) -> None:
    def event(operation: int, resource: str) -> dict[str, str | int]:
        return {"OperationId": operation, "LogicalResourceId": resource, "ResourceStatusReason": "why"}

    answer(
        DescribeEvents=[
            {"OperationEvents": [event(2, "A")]},
            {"OperationEvents": [event(2, "B"), event(1, "old")]},
        ]
    )

    assert list(stack_failures.operation_failures("x")) == ["  A: why", "  B: why"]


def test_failure_reasons_include_those_without_a_resource(answer: Callable[..., Any]) -> None:
    answer(
        DescribeEvents=[{"OperationEvents": [{"OperationId": 1, "ValidationStatusReason": "bad template"}]}]
    )

    assert list(stack_failures.operation_failures("x")) == ["  x: bad template"]


def test_new_accounts_are_told_how_to_get_a_distribution() -> None:
    # aws-samples/aws-cdk-examples, issue 279
    answer = "Your account must be verified before you can add new CloudFront resources."
    assert "AWS Support" in stack_failures.advice(f"  Distribution: {answer}")
    assert stack_failures.advice("  Distribution: Invalid certificate") == ""
