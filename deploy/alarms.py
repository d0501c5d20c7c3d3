"""The CloudFormation stack of the alarms and the dashboard, and the budget."""

from collections.abc import Mapping
from pathlib import Path

import boto3

from chalicelib import resource_names
from deploy import account_budget, foundation, stacks

TEMPLATE = Path(__file__).with_name("alarms.yaml")
BUSY = 0.8
"""The share of the account's concurrent Lambdas above which an alarm rings."""


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "alarms")


def deploy(stage: str, outputs: Mapping[str, str], budget: int | None = None) -> None:
    """Create or update the stack, and then the budget; see `parameters`."""
    given = parameters(stage, outputs, budget)
    found = stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), given, protected=False)
    usd, email = int(found["BudgetUsd"]), found["BudgetEmail"]
    if usd and email:
        account_budget.put(stage, usd, email)
    elif budget == 0:
        account_budget.delete(stage)


def parameters(stage: str, outputs: Mapping[str, str], budget: int | None) -> dict[str, str | None]:
    """The parameters of the stack.

    Args:
        stage: name of the installation.
        outputs: of the foundation stack, which has the topic and the address for alarms.
        budget: of the account, in US dollars a month. 0 ends it, None keeps the one of the deployment before.

    Raises:
        DeployError: if the budget is not possible; see `account_budget.check`.
    """
    email = outputs.get("AlarmEmail") or None
    account_budget.check(budget, email)
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return {
        "Stage": stage,
        "TopicArn": outputs["AlarmTopicArn"],
        "BusyConcurrency": str(int(BUSY * limit)),
        "BudgetUsd": None if budget is None else str(budget),
        "BudgetEmail": email,
    }


def check(stage: str, budget: int | None, email: str | None) -> None:
    """Raise DeployError if the budget is not possible with the address of now or of before."""
    foundation_stack = foundation.stack_name(stage)
    if budget and not email and stacks.stack_status(foundation_stack):
        email = stacks.outputs(foundation_stack).get("AlarmEmail")
    account_budget.check(budget, email)


def told(outputs: Mapping[str, str]) -> str:
    """A sentence that says who receives alarms; `outputs` as for `deploy`."""
    email = outputs.get("AlarmEmail")
    if not email:
        return "Alarms: no e-mail address is set. Set one with EMAIL=ADDRESS."
    return f"Alarms are sent to {email} once the link in the confirmation e-mail from AWS has been clicked"


def delete(stage: str) -> None:
    """Delete them, and the budget."""
    name = stack_name(stage)
    if stacks.stack_status(name) and stacks.outputs(name).get("BudgetUsd", "0") != "0":
        account_budget.delete(stage)
    stacks.delete_stack(name)
