"""Stages in .chalice/config.json: their names, settings and resources."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chalicelib import resource_names
from deploy.progress import say
from deploy.stacks import DeployError

CONFIG = Path(__file__).resolve().parent.parent / ".chalice" / "config.json"
NAME = re.compile("[a-z][a-z0-9]{0,10}")
"""Without hyphens, so that names of two stages' resources cannot be confused; see foundation.yaml."""

# Chalice's name of each Lambda -> the stack output with its role.
ROLES = {
    "api_handler": "ApiRoleArn",
    "prepare": "PrepareRoleArn",
    "classify": "ClassifyRoleArn",
    "retraining": "RetrainingRoleArn",
    "sweep": "SweepRoleArn",
    "drift-monitor": "DriftMonitorRoleArn",
}


def check(stage: str) -> None:
    """Raise DeployError if the name is invalid, or if `local` would be deployed to AWS."""
    if not NAME.fullmatch(stage):
        raise DeployError(
            f"'{stage}' cannot be the name of a stage: it must be 1 to 11 lower-case letters and digits, "
            "beginning with a letter."
        )
    if stage == "local" and not os.environ.get("AWS_ENDPOINT_URL"):
        raise DeployError(
            "The stage `local` is for the emulator: `make run` deploys it, and other commands need "
            "AWS_ENDPOINT_URL to be the emulator's address. Name any other stage with STAGE=."
        )


def config() -> dict[str, Any]:
    """The contents of config.json."""
    found: dict[str, Any] = json.loads(CONFIG.read_text())
    return found


def variables(stage: str) -> Mapping[str, str]:
    """The environment variables of the stage's Lambdas."""
    settings = config()["stages"].get(stage, {})
    merged: Mapping[str, str] = config().get("environment_variables", {}) | settings.get(
        "environment_variables", {}
    )
    return merged


def deployed(stage: str) -> Mapping[str, str]:
    """The environment variables of the stage's Lambdas, as `make deploy` recorded them.

    Raises:
        DeployError: if the stage has not been deployed.
    """
    check(stage)
    found = variables(stage)
    if "DATA_BUCKET" not in found:
        raise DeployError(f"The stage {stage} has not been deployed: .chalice/config.json does not list it.")
    return found


def functions(stage: str) -> dict[str, str]:
    """Names of the stage's Lambdas, by their names in Chalice."""
    return {name: resource_names.function_name(stage, name) for name in ROLES}


def own(stage: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that belong to the stage."""
    return [name for name in names if name.startswith(resource_names.prefix(stage))]


def record(stage: str, outputs: Mapping[str, str]) -> None:
    """Write outputs of the foundation stack into config.json; other entries stay."""
    found = config()
    settings = found["stages"].setdefault(stage, {})
    settings.setdefault("environment_variables", {}).update(environment(stage, outputs))
    lambdas = settings.setdefault("lambda_functions", {})
    for function, output in ROLES.items():
        lambdas.setdefault(function, {})["iam_role_arn"] = outputs[output]
    text = json.dumps(found, indent=2) + "\n"
    if text == CONFIG.read_text():
        say("unchanged")
    else:
        CONFIG.write_text(text)
        say("recorded; commit .chalice/config.json")


def environment(stage: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of the Lambdas that differ between stages."""
    found = {
        "DATA_BUCKET": outputs["DataBucket"],
        "RESULTS_TABLE": outputs["ResultsTable"],
        "RETRAININGS_TABLE": outputs["RetrainingsTable"],
        "RETRAINING_ARN": outputs["RetrainingArn"],
        "STAGE": stage,
    }
    if login := login_origin(outputs):
        found["USER_POOL_ARN"] = outputs["UserPoolArn"]
        found["LOGIN_CLIENT_ID"] = outputs["UserPoolClientId"]
        found["LOGIN_ORIGIN"] = login
    return found


def login_origin(outputs: Mapping[str, str]) -> str | None:
    """The origin of the login page; None if the stage has no login."""
    if "LoginOrigin" not in outputs:
        return None
    # An emulator serves the login page at its own address.
    return os.environ.get("AWS_ENDPOINT_URL") or outputs["LoginOrigin"]


def api_stage() -> str:
    """The API Gateway stage: the first part of every path of the API."""
    return str(config()["api_gateway_stage"])
