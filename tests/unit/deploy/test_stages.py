"""What belongs to which stage, and what a stage may be called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy import stages
from deploy.stacks import DeployError
from tests.alarms import TEMPLATE
from tests.cloud import FOUNDATION, RETRAINING, SITE, template


@pytest.fixture(autouse=True)
def _emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")


@pytest.mark.parametrize("name", ["local", "prod", "p", "prod2", "prodeurope1"])
def test_valid_stage_names_are_accepted(name: str) -> None:
    stages.check(name)


@pytest.mark.parametrize("name", ["prod-eu", "prod-", "", "2", "Prod", "prod_eu", "prodeuropewest", "prod\n"])
def test_invalid_stage_names_are_refused(name: str) -> None:
    with pytest.raises(Exception, match="1 to 11 lower-case letters and digits"):
        stages.check(name)


@pytest.mark.parametrize("name", ["aws1", "myaws", "amazon", "cognito"])
def test_stage_names_that_cognito_refuses_are_refused(name: str) -> None:
    with pytest.raises(Exception, match="Cognito refuses addresses"):
        stages.check(name)


@pytest.mark.parametrize(
    ("account", "region", "refused"),
    [
        ("123456789012", "eu-central-1", False),
        ("123456789012", "us-east-1", True),
        ("210987654321", "eu-central-1", True),
    ],
)
def test_stage_stays_in_its_account_and_region(
    answer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    account: str,
    region: str,
    refused: bool,
) -> None:
    answer(GetCallerIdentity=[{"Account": account}])
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:negatoscope-prod-retrain"
    monkeypatch.setattr(stages, "variables", lambda stage: {"RETRAINING_ARN": arn} if stage == "prod" else {})

    stages.check_account("new")
    if refused:
        with pytest.raises(DeployError, match=f"credentials are for account {account}, region {region}"):
            stages.check_account("prod")
    else:
        stages.check_account("prod")


@pytest.mark.parametrize("path", [FOUNDATION, RETRAINING, SITE, TEMPLATE], ids=lambda path: path.name)
def test_stage_names_have_the_same_pattern_in_templates(path: Path) -> None:
    assert template(path)["Parameters"]["Stage"]["AllowedPattern"] == stages.NAME.pattern


def test_resources_of_a_stage_are_found_by_prefix() -> None:
    names = [
        "negatoscope-prod-chest-xray",
        "negatoscope-prod2-x",
        "my-negatoscope-prod-x",
        "negatoscope-prod",
    ]
    assert stages.own("prod", names) == ["negatoscope-prod-chest-xray"]


def test_settings_with_conflicts_of_a_merge_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.json"
    config.write_text('<<<<<<< HEAD\n{"stages": {}}\n')
    monkeypatch.setattr(stages, "CONFIG", config)
    with pytest.raises(DeployError, match=r"config\.json cannot be read: .* get it back from git"):
        stages.variables("prod")
