"""The CloudFormation stack of the alarms, the dashboard and the budget."""

from collections.abc import Mapping
from pathlib import Path

import boto3

from chalicelib import resource_names
from deploy import foundation, stacks
from deploy.stacks import DeployError

TEMPLATE = Path(__file__).with_name("alarms.yaml")
BUSY = 0.8
"""The share of the account's concurrent Lambdas above which an alarm rings."""


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "alarms")


def deploy(stage: str, outputs: Mapping[str, str], budget: int | None = None) -> None:
    """Create or update the stack; see `parameters`."""
    given = parameters(stage, outputs, budget)
    stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), given, protected=False)


def parameters(stage: str, outputs: Mapping[str, str], budget: int | None) -> dict[str, str | None]:
    """The parameters of the stack.

    Args:
        stage: name of the installation.
        outputs: of the foundation stack, which has the topic and the address for alarms.
        budget: of the account, in US dollars a month. 0 ends it, None keeps the one of the deployment before.

    Raises:
        DeployError: if there is a budget, but nobody to tell.
    """
    email = outputs.get("AlarmEmail") or None
    _check_budget(budget, email)
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return {
        "Stage": stage,
        "TopicArn": outputs["AlarmTopicArn"],
        "BusyConcurrency": str(int(BUSY * limit)),
        "BudgetUsd": None if budget is None else str(budget),
        "BudgetEmail": email,
    }


def check(stage: str, budget: int | None, email: str | None) -> None:
    """Raise DeployError if there is a budget, but nobody to tell, now or from the deployment before."""
    foundation_stack = foundation.stack_name(stage)
    if budget and not email and stacks.stack_status(foundation_stack):
        email = stacks.outputs(foundation_stack).get("AlarmEmail")
    _check_budget(budget, email)


def _check_budget(budget: int | None, email: str | None) -> None:
    if budget and not email:
        raise DeployError("A budget needs an e-mail address for its alarm: add EMAIL=ADDRESS.")


def told(outputs: Mapping[str, str]) -> str:
    """A sentence that says who receives alarms; `outputs` as for `deploy`."""
    email = outputs.get("AlarmEmail")
    if not email:
        return "Alarms: no e-mail address is set. Set one with EMAIL=ADDRESS."
    return f"Alarms are sent to {email} once the link in the confirmation e-mail from AWS has been clicked"


def delete(stage: str) -> None:
    """Delete them."""
    stacks.delete_stack(stack_name(stage))
