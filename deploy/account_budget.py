"""The budget of the account, and whom it tells.

CloudFormation has no budgets in many regions, and cannot change whom one tells. The stack of the alarms only
holds what is wanted.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3

from chalicelib import resource_names
from deploy.stacks import DeployError

NOTIFICATIONS: tuple[Mapping[str, Any], ...] = tuple(
    {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": threshold,
        "ThresholdType": "PERCENTAGE",
    }
    for kind, threshold in (("ACTUAL", 80.0), ("FORECASTED", 100.0))
)


def check(usd: int | None, email: str | None) -> None:
    """Raise DeployError if there is to be a budget, but nobody to tell, or no budgets in this partition."""
    if usd and not email:
        raise DeployError("A budget needs an e-mail address for its alarm: add EMAIL=ADDRESS.")
    if usd:
        check_partition()


def check_partition() -> None:
    """Raise DeployError if the partition of this region has no budgets."""
    session = boto3.session.Session()
    partition = session.get_partition_for_region(session.region_name)
    if not session.get_available_regions("budgets", partition, allow_non_regional=True):
        raise DeployError(
            f"The partition {partition} has no AWS Budgets. Leave out BUDGET=, and make the budget in the "
            "account that pays for this one."
        )


def put(stage: str, usd: int, email: str) -> None:
    """Create the budget, or change what differs.

    Args:
        stage: name of the installation.
        usd: US dollars a month.
        email: the address that is told. Others stay told until it changes.
    """
    budgets, key = boto3.client("budgets"), _key(stage)
    # The tags by which costs could be told apart work only after someone has activated them, so the budget is
    # that of the account.
    wanted = {
        "BudgetName": key["BudgetName"],
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": str(usd), "Unit": "USD"},
    }
    subscriber = {"SubscriptionType": "EMAIL", "Address": email}
    try:
        found = budgets.describe_budget(**key)["Budget"]
    except budgets.exceptions.NotFoundException:
        told = [{"Notification": one, "Subscribers": [subscriber]} for one in NOTIFICATIONS]
        budgets.create_budget(AccountId=key["AccountId"], Budget=wanted, NotificationsWithSubscribers=told)
        return
    if float(found["BudgetLimit"]["Amount"]) != usd:
        budgets.update_budget(AccountId=key["AccountId"], NewBudget=wanted)
    for notification in NOTIFICATIONS:
        _tell(budgets, {**key, "Notification": notification}, subscriber)


def _tell(budgets: Any, key: Mapping[str, Any], subscriber: Mapping[str, str]) -> None:
    """Send a notification to this subscriber instead of those before."""
    try:
        before = budgets.describe_subscribers_for_notification(**key)["Subscribers"]
    except budgets.exceptions.NotFoundException:
        budgets.create_notification(**key, Subscribers=[subscriber])
        return
    if subscriber in before:
        return
    budgets.create_subscriber(**key, Subscriber=subscriber)
    for other in before:
        budgets.delete_subscriber(**key, Subscriber=other)


def delete(stage: str) -> None:
    """Delete the budget, if it exists."""
    budgets = boto3.client("budgets")
    with suppress(budgets.exceptions.NotFoundException):
        budgets.delete_budget(**_key(stage))


def described(parameters: Mapping[str, str]) -> str:
    """The budget that the parameters of the stack of the alarms ask for, in words."""
    usd, email = parameters.get("BudgetUsd", "0"), parameters.get("BudgetEmail")
    return f"{usd} US dollars a month, {email} is told" if email and usd != "0" else "none"


def _key(stage: str) -> dict[str, str]:
    account = boto3.client("sts").get_caller_identity()["Account"]
    return {"AccountId": account, "BudgetName": resource_names.resource_name(stage)}
