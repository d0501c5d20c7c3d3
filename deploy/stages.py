"""Stages in .chalice/config.json: their names, settings and resources."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3

from chalicelib import resource_names
from deploy import stacks
from deploy.progress import say
from deploy.stacks import DeployError

CONFIG = Path(__file__).resolve().parent.parent / ".chalice" / "config.json"
NAME = re.compile("[a-z][a-z0-9]{0,10}")
"""Without hyphens, so that names of two stages' resources cannot be confused; see foundation.yaml."""

RESERVED = ("amazon", "aws", "cognito")
"""Words that the domain of a user pool may not contain. (Amazon Cognito developer guide, "Using the Amazon
Cognito domain for user pool managed login".)"""

# Chalice's name of each Lambda -> the stack output with its role.
ROLES = {
    "api_handler": "ApiRoleArn",
    "decode": "DecodeRoleArn",
    "prepare": "PrepareRoleArn",
    "classify": "ClassifyRoleArn",
    "retraining": "RetrainingRoleArn",
    "administration": "AdministrationRoleArn",
    "sweep": "SweepRoleArn",
    "drift-monitor": "DriftMonitorRoleArn",
    "batch": "BatchRoleArn",
}


RECORDED = (
    *(
        "DATA_BUCKET",
        "RESULTS_TABLE",
        "RETRAININGS_TABLE",
        "RETRAINING_ARN",
        "BATCH_ARN",
        "EXPORT_ARN",
        "STAGE",
    ),
    *("USER_POOL_ARN", "LOGIN_CLIENT_ID", "LOGIN_ORIGIN", "API_KEY_REQUIRED"),
)
"""The environment variables that `record` writes, except SERVING, which people choose."""


def check(stage: str) -> None:
    """Raise DeployError if the name is invalid, or if `local` would be deployed to AWS."""
    if not NAME.fullmatch(stage):
        raise DeployError(
            f"'{stage}' cannot be the name of a stage: it must be 1 to 11 lower-case letters and digits, "
            "beginning with a letter."
        )
    if reserved := next((word for word in RESERVED if word in stage), None):
        raise DeployError(
            f"'{stage}' cannot be the name of a stage: Cognito refuses addresses of login pages that contain "
            f"'{reserved}'."
        )
    if stage == "local" and not emulator():
        raise DeployError(
            "The stage `local` is for the emulator: `make run` deploys it, and other commands need "
            "AWS_ENDPOINT_URL to be the emulator's address. Name any other stage with STAGE=."
        )


def emulator() -> str | None:
    """The address of the emulator; None on AWS."""
    return os.environ.get("AWS_ENDPOINT_URL") or None


def check_account(stage: str) -> None:
    """Raise DeployError if the stage was deployed to another account or region than the current one.

    Names of roles and buckets do not contain the region, and .chalice/config.json has one entry per stage.
    """
    recorded = variables(stage).get("RETRAINING_ARN")
    if not recorded:
        return
    _, _, _, region, account, *_ = recorded.split(":")
    here = (boto3.client("sts").get_caller_identity()["Account"], boto3.session.Session().region_name)
    if here != (account, region):
        raise DeployError(
            f"The stage {stage} is in account {account}, region {region}, as .chalice/config.json says, but "
            f"your credentials are for account {here[0]}, region {here[1]}. Use those of its account and "
            "region, or name another stage with STAGE= for a second installation."
        )


def config() -> dict[str, Any]:
    """The contents of config.json.

    Raises:
        DeployError: if it is no JSON, for example after a merge with conflicts.
    """
    try:
        found: dict[str, Any] = json.loads(CONFIG.read_text())
    except ValueError as error:
        raise DeployError(f"{CONFIG} cannot be read: {error}. Correct it, or get it back from git.") from None
    return found


def variables(stage: str) -> Mapping[str, str]:
    """The environment variables of the stage's Lambdas."""
    settings = config()["stages"].get(stage, {})
    merged: Mapping[str, str] = config().get("environment_variables", {}) | settings.get(
        "environment_variables", {}
    )
    return merged


def serving(stage: str) -> dict[str, str]:
    """How models of coming retrainings are served, by task, as far as the stage says it and not the task."""
    recorded: dict[str, str] = json.loads(variables(stage).get("SERVING") or "{}")
    return recorded


def deployed(stage: str) -> Mapping[str, str]:
    """The environment variables of the stage's Lambdas, as `make deploy` recorded them.

    Raises:
        DeployError: if the stage has not been deployed.
    """
    check(stage)
    found = variables(stage)
    if "DATA_BUCKET" not in found:
        raise DeployError(
            f"The stage {stage} has not been deployed: .chalice/config.json does not list it. Deploy it with "
            f"`make deploy STAGE={stage}`, or get that file from whoever did."
        )
    return found


def functions(stage: str) -> dict[str, str]:
    """Names of the stage's Lambdas, by their names in Chalice."""
    return {name: resource_names.function_name(stage, name) for name in ROLES}


def own(stage: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that belong to the stage."""
    return [name for name in names if name.startswith(resource_names.prefix(stage))]


def record(
    stage: str,
    outputs: Mapping[str, str],
    serving: Mapping[str, str] | None = None,
    connection: Mapping[str, list[str]] | None = None,
    *,
    key_required: bool = False,
) -> None:
    """Write `settings` into config.json."""
    found = settings(stage, outputs, serving, connection, key_required=key_required)
    text = json.dumps(found, indent=2) + "\n"
    if text == CONFIG.read_text():
        say("unchanged")
    else:
        CONFIG.write_text(text)
        say("recorded; commit .chalice/config.json")


def settings(
    stage: str,
    outputs: Mapping[str, str],
    serving: Mapping[str, str] | None = None,
    connection: Mapping[str, list[str]] | None = None,
    *,
    key_required: bool = False,
) -> dict[str, Any]:
    """The contents of config.json with the stage's resources; other entries stay.

    Args:
        stage: its name.
        outputs: of the foundation stack.
        serving: how models of coming retrainings are served, by task; None keeps what is recorded.
        connection: of the Lambda `decode` to a network; None keeps what is recorded.
        key_required: whether API Gateway refuses requests without the key that CloudFront sends.
    """
    found = config()
    entry = found["stages"].setdefault(stage, {})
    environment = entry.setdefault("environment_variables", {})
    environment.update(own_environment(stage, outputs))
    environment.pop("API_KEY_REQUIRED", None)
    if key_required:
        environment["API_KEY_REQUIRED"] = "true"
    if serving:
        recorded = json.loads(environment.get("SERVING") or "{}")
        environment["SERVING"] = json.dumps({**recorded, **serving}, sort_keys=True)
    entry["tags"] = stacks.tags(stage)
    lambdas = entry.setdefault("lambda_functions", {})
    # The stack of the batches, with the role of their Lambda, is deployed later.
    batch = f"role/{resource_names.resource_name(stage, 'batch')}"
    known = {**outputs, "BatchRoleArn": _sibling(outputs["ApiRoleArn"], batch)}
    for function, output in ROLES.items():
        lambdas.setdefault(function, {})["iam_role_arn"] = known[output]
    lambdas["decode"].update(connection or {})
    return found


def forget(stage: str) -> None:
    """Remove what `record` wrote, so that the name is free for another region; other entries stay."""
    found = config()
    entry = found["stages"].pop(stage, {})
    variables, lambdas = entry.pop("environment_variables", {}), entry.pop("lambda_functions", {})
    entry.pop("tags", None)
    left = {
        "environment_variables": {name: variables[name] for name in variables if name not in RECORDED},
        "lambda_functions": {
            name: kept
            for name, settings in lambdas.items()
            if (kept := {key: value for key, value in settings.items() if key != "iam_role_arn"})
        },
    }
    if kept := entry | {name: settings for name, settings in left.items() if settings}:
        found["stages"][stage] = kept
    CONFIG.write_text(json.dumps(found, indent=2) + "\n")


def own_environment(stage: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of the Lambdas that differ between stages."""
    found = {
        "DATA_BUCKET": outputs["DataBucket"],
        "RESULTS_TABLE": outputs["ResultsTable"],
        "RETRAININGS_TABLE": outputs["RetrainingsTable"],
        "RETRAINING_ARN": outputs["RetrainingArn"],
        "BATCH_ARN": _sibling(outputs["RetrainingArn"], resource_names.resource_name(stage, "batch")),
        "EXPORT_ARN": _sibling(outputs["RetrainingArn"], resource_names.resource_name(stage, "export")),
        "STAGE": stage,
    }
    if login := login_origin(outputs):
        found["USER_POOL_ARN"] = outputs["UserPoolArn"]
        found["LOGIN_CLIENT_ID"] = outputs["UserPoolClientId"]
        found["LOGIN_ORIGIN"] = login
    return found


def _sibling(machine: str, name: str) -> str:
    """The ARN of another state machine in the same account and region."""
    return f"{machine.rpartition(':')[0]}:{name}"


def login_origin(outputs: Mapping[str, str]) -> str | None:
    """The origin of the login page; None if the stage has no login."""
    if "LoginOrigin" not in outputs:
        return None
    # An emulator serves the login page at its own address.
    return emulator() or outputs["LoginOrigin"]


def api_stage() -> str:
    """The API Gateway stage: the first part of every path of the API."""
    return str(config()["api_gateway_stage"])
