"""IAM roles assumed by SageMaker: jobs and models have the permissions of their role only."""

import hashlib
import json
from typing import Any

from ministack.core import responses
from ministack.services import iam, sts

from local.account import ACCOUNT, REGION
from local.aws import patching
from local.sagemaker.errors import invalid

PRINCIPAL = "sagemaker.amazonaws.com"


def check_ministack() -> None:
    """Raise UnsupportedMinistack if ministack lacks a name that this module uses."""
    patching.existing(iam, "_roles")
    patching.existing(sts, "register_session")
    patching.existing(responses, "request_scope")


def check_role(arn: str) -> None:
    """Raise SageMakerError unless the role exists and lets SageMaker assume it."""
    with responses.request_scope(ACCOUNT, REGION):
        role = iam._roles.get(arn.rpartition("/")[2])
    if role is None or role["Arn"] != arn or not trusts(role["AssumeRolePolicyDocument"]):
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            f"'{PRINCIPAL}' to assume the role."
        )


def trusts(document: str | dict[str, Any]) -> bool:
    """Whether a trust policy lets SageMaker assume the role. Conditions are ignored."""
    policy: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    trusting = [
        statement for statement in _listed(policy.get("Statement", [])) if _names_sagemaker(statement)
    ]
    effects = {statement["Effect"] for statement in trusting}
    return effects == {"Allow"}


def _names_sagemaker(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    return PRINCIPAL in services and "sts:AssumeRole" in _listed(statement.get("Action", []))


def _listed(value: Any) -> list[Any]:
    """IAM allows a single value in place of a list."""
    return value if isinstance(value, list) else [value]


def credentials(role_arn: str) -> dict[str, str]:
    """Environment variables for the AWS SDKs with the credentials of a session of the role.

    A role always gets the same session, so that sessions do not accumulate and survive a restart.
    """
    digest = hashlib.sha256(f"sagemaker:{role_arn}".encode()).hexdigest()
    role = role_arn.rpartition("/")[2]
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/SageMaker",
        "UserId": f"{role}:SageMaker",
        "SecretAccessKey": hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        "SessionToken": hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    }
    access_key = f"ASIA{digest[:16].upper()}"
    with responses.request_scope(ACCOUNT, REGION):
        sts.register_session(access_key, session)
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
