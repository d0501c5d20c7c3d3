"""The stack of the batches."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import boto3

from chalicelib import resource_names
from deploy import foundation, retraining, stacks
from deploy.generated import PROJECT

TEMPLATE = Path(__file__).with_name("batches.yaml")
DEFINITION = PROJECT / "statemachine" / "batch.asl.json"


def deploy(stage: str, outputs: Mapping[str, str]) -> None:
    """Upload the definition and deploy the stack; `outputs` are those of the foundation stack."""
    wanted = parameters(stage, outputs)
    boto3.client("s3").put_object(
        Bucket=outputs["DataBucket"],
        Key=wanted["Definition"],
        Body=DEFINITION.read_bytes(),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=outputs["DataKeyArn"],
    )
    stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), wanted, protected=False)


def parameters(stage: str, outputs: Mapping[str, str]) -> dict[str, str | None]:
    """The parameters of the stack; `outputs` are those of the foundation stack."""
    digest = hashlib.sha256(DEFINITION.read_bytes()).hexdigest()[:16]
    return {
        "Stage": stage,
        "DataBucket": outputs["DataBucket"],
        "DataKeyArn": outputs["DataKeyArn"],
        "ResultsTable": outputs["ResultsTable"],
        "Definition": f"code/batch-{digest}.asl.json",
        "OtherEndpoints": ",".join(foundation.other_endpoints(stage)),
        "TransformInstanceType": retraining.parameter_defaults()["TransformInstanceType"],
    }


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "batches")


def delete(stage: str) -> None:
    """Stop running batches, and delete the stack."""
    machine = stacks.resources(stack_name(stage)).get("StateMachine")
    if machine:
        retraining.stop_executions(machine)
    stacks.delete_stack(stack_name(stage))
