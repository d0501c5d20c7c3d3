"""The CloudFormation stack of the alarms."""

from collections.abc import Mapping
from pathlib import Path

from chalicelib import resource_names
from deploy import stacks

TEMPLATE = Path(__file__).with_name("alarms.yaml")


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "alarms")


def deploy(stage: str, outputs: Mapping[str, str]) -> None:
    """Create or update the alarms; `outputs` are those of the foundation stack, which has their topic."""
    parameters = {"Stage": stage, "TopicArn": outputs["AlarmTopicArn"]}
    stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), parameters, protected=False)


def delete(stage: str) -> None:
    """Delete the alarms."""
    stacks.delete_stack(stack_name(stage))
