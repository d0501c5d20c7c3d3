"""The network without a way to the internet, in which the Lambda `decode` runs if that is wanted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from chalicelib import resource_names
from deploy import stacks
from deploy.progress import say

TEMPLATE = Path(__file__).with_name("network.yaml")

Setting = Literal["on", "off"]
Connection = Mapping[str, list[str]]
"""Settings of a Lambda in Chalice: ids of subnets and of security groups."""
DISCONNECTED: Connection = {"subnet_ids": [], "security_group_ids": []}


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "network")


def parameters(stage: str, data_bucket: str) -> dict[str, str | None]:
    """The parameters of the stack."""
    return {"Stage": stage, "DataBucket": data_bucket}


def deploy(stage: str, data_bucket: str, requested: Setting | None) -> Connection | None:
    """Create or update the network, and return how `decode` is connected to it.

    Args:
        stage: its name.
        data_bucket: the only bucket that can be reached.
        requested: whether there is to be a network; None keeps what was deployed before.

    Returns:
        None if nothing has been or is to be connected.
    """
    exists = stacks.stack_status(stack_name(stage)) is not None
    if requested == "off" and exists:
        return DISCONNECTED
    if requested != "on" and not exists:
        return None
    outputs = stacks.put_stack(
        stack_name(stage), TEMPLATE.read_text(), parameters(stage, data_bucket), protected=False
    )
    return {"subnet_ids": outputs["Subnets"].split(","), "security_group_ids": [outputs["SecurityGroup"]]}


def remove(stage: str, requested: Setting | None) -> None:
    """Delete the network if it is not wanted any more and `decode` has been disconnected."""
    if requested == "off" and stacks.stack_status(stack_name(stage)):
        say("waiting for Lambda to release its network interfaces, up to half an hour")
        stacks.delete_stack(stack_name(stage))
