"""The budget of the account: whom it tells, and that a deployment changes only what differs."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.session import get_session
from botocore.validate import ParamValidator
from ministack.services import budgets as emulated

from deploy import account_budget
from deploy.stacks import DeployError

ACCOUNT = "000000000000"
NAME = "negatoscope-prod"
MODEL = get_session().get_service_model("budgets")


@pytest.fixture
def changes(answer: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The operations that changed a budget, in an account without any."""
    answer()
    changed: list[str] = []

    def send(client: BaseClient, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetCallerIdentity":
            return {"Account": ACCOUNT}
        report = ParamValidator().validate(request, MODEL.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        status, _, body = emulated._DISPATCH[operation](request)
        content = json.loads(body)
        if status >= 400:
            error = {"Error": {"Code": content["__type"].rpartition("#")[2], "Message": ""}}
            raise client.exceptions.from_code(error["Error"]["Code"])(error, operation)
        if not operation.startswith("Describe"):
            changed.append(operation)
        return dict(content)

    monkeypatch.setattr(BaseClient, "_make_api_call", send)
    emulated.reset()
    yield changed
    emulated.reset()


def found() -> tuple[str, dict[str, list[str]]]:
    """The limit, and who is told of what."""
    budgets, which = boto3.client("budgets"), {"AccountId": ACCOUNT, "BudgetName": NAME}
    told = {}
    for notification in budgets.describe_notifications_for_budget(**which)["Notifications"]:
        key = {name: notification[name] for name in account_budget.NOTIFICATIONS[0]}
        subscribers = budgets.describe_subscribers_for_notification(**which, Notification=key)["Subscribers"]
        told[key["NotificationType"]] = [one["Address"] for one in subscribers]
    return budgets.describe_budget(**which)["Budget"]["BudgetLimit"]["Amount"], told


def test_budget_is_made_once(changes: list[str]) -> None:
    for _ in range(2):
        account_budget.put("prod", 200, "a@b.org")

    assert changes == ["CreateBudget"]
    assert found() == ("200", {"ACTUAL": ["a@b.org"], "FORECASTED": ["a@b.org"]})


def test_limit_and_address_are_changed_in_place(changes: list[str]) -> None:
    account_budget.put("prod", 200, "a@b.org")
    account_budget.put("prod", 300, "c@d.org")

    assert changes[:2] == ["CreateBudget", "UpdateBudget"]
    assert "DeleteBudget" not in changes
    assert found() == ("300", {"ACTUAL": ["c@d.org"], "FORECASTED": ["c@d.org"]})


def test_notification_that_somebody_deleted_is_made_again(changes: list[str]) -> None:
    account_budget.put("prod", 200, "a@b.org")
    boto3.client("budgets").delete_notification(
        AccountId=ACCOUNT, BudgetName=NAME, Notification=account_budget.NOTIFICATIONS[0]
    )
    account_budget.put("prod", 200, "a@b.org")

    assert found()[1] == {"ACTUAL": ["a@b.org"], "FORECASTED": ["a@b.org"]}


def test_budget_is_deleted_if_it_exists(changes: list[str]) -> None:
    account_budget.delete("prod")
    account_budget.put("prod", 200, "a@b.org")
    account_budget.delete("prod")

    assert changes == ["CreateBudget", "DeleteBudget"]


@pytest.mark.parametrize(
    ("region", "works"), [("us-east-1", True), ("mx-central-1", True), ("us-gov-west-1", False)]
)
def test_partition_without_budgets_is_refused(
    monkeypatch: pytest.MonkeyPatch, region: str, works: bool
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    account_budget.check(None, None)
    account_budget.check(0, None)
    if works:
        account_budget.check(200, "a@b.org")
    else:
        with pytest.raises(DeployError, match="The partition aws-us-gov has no AWS Budgets"):
            account_budget.check(200, "a@b.org")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "none"),
        ({"BudgetUsd": "0", "BudgetEmail": "a@b.org"}, "none"),
        ({"BudgetUsd": "200", "BudgetEmail": ""}, "none"),
        ({"BudgetUsd": "200", "BudgetEmail": "a@b.org"}, "200 US dollars a month, a@b.org is told"),
    ],
)
def test_budget_is_described(parameters: dict[str, str], words: str) -> None:
    assert account_budget.described(parameters) == words
