"""Models that move from one stage to another."""

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import AlreadyRetraining
from chalicelib.models.archive import pack, package_files
from chalicelib.models.rollback import roll_back
from chalicelib.retraining.service import RetrainingService
from deploy import promotion
from deploy.stage_access import StageAccess
from tests.models import METRICS, TASK, write_package
from tests.sagemaker import FakeSageMaker, endpoint_manager
from tests.stage import RETRAINING_ARN, RETRAININGS_TABLE

pytestmark = pytest.mark.usefixtures("cloud")

GOOD = {name: {**measured, "value": 0.995} for name, measured in METRICS.items()}


@pytest.fixture
def stages() -> tuple[StageAccess, StageAccess]:
    """The stages `test` and `prod`."""
    for stage in ("test", "prod"):
        outputs = {
            "DataBucket": f"images-of-{stage}",
            "RetrainingsTable": RETRAININGS_TABLE,
            "RetrainingArn": RETRAINING_ARN,
        }
        boto3.client("s3").create_bucket(Bucket=outputs["DataBucket"])
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        boto3.client("cloudformation").create_stack(
            StackName=f"negatoscope-{stage}-foundation", TemplateBody=json.dumps(template)
        )
    return StageAccess.connect("test"), StageAccess.connect("prod")


def add(
    stage: StageAccess, folder: Path, version: str, *, accepted: bool | None = True, **facts: Any
) -> None:
    """Register a version, as a retraining does, and deploy it if it was accepted."""
    package = write_package(folder / stage.name / version, version=version, **facts)
    (package / "card.md").write_text(f"# Card of {version}")
    stage.registry.add(TASK, pack(package_files(package)), {"origin": "retraining", "run": "r-1"})
    if accepted is not None:
        stage.registry.decide(TASK, version, accepted=accepted, reasons=["As measured."])
    if accepted:
        stage.registry.promote(TASK, version, None, None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the command, and return the message it fails with."""
    monkeypatch.setattr(sys, "argv", ["promotion.py", *arguments])
    try:
        promotion.main()
    except SystemExit as stopped:
        return str(stopped.code)
    return ""


def test_profile_brings_its_own_region(
    stages: tuple[StageAccess, StageAccess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if AWS_DEFAULT_REGION is set."""
    config = tmp_path / "config"
    keys = "aws_access_key_id = a\naws_secret_access_key = b\n"
    config.write_text(f"[profile abroad]\nregion = eu-central-1\n{keys}[profile anywhere]\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    promote = ("promote", TASK, "--from", "test", "--to", "prod", "--to-profile")

    assert "There is no stage prod in account 123456789012, region eu-central-1." in run(
        monkeypatch, *promote, "abroad"
    )
    assert "Nothing has been deployed" in run(monkeypatch, *promote, "anywhere")


def acts(stage: StageAccess) -> list[tuple[str, dict[str, str]]]:
    """The audit record, the newest act first."""
    assert all(entry["user"].startswith("arn:aws:") for entry in stage.audit.page(9, None)[0])
    return [(entry["act"], entry["details"]) for entry in stage.audit.page(9, None)[0]]


def test_promoted_version_is_deployed_with_its_records_and_can_be_rolled_back(
    stages: tuple[StageAccess, StageAccess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the Lambda, also in a stage whose retrained models have endpoints, which the command says."""
    monkeypatch.setattr("deploy.stages.serving", lambda _stage: {TASK: "serverless"})
    test, prod = stages
    add(test, tmp_path, "2", metrics={"test": GOOD})
    add(prod, tmp_path, "1", metrics={"test": GOOD})
    promote = ("promote", TASK, "--from", "test", "--to", "prod")

    assert run(monkeypatch, *promote) == ""

    assert (
        "The Lambda runs it. SERVING=serverless applies to retrained models only" in capsys.readouterr().out
    )
    current = prod.registry.current(TASK)
    assert current
    assert (current.version, current.previous, current.endpoint) == ("2", "1", None)
    record = prod.registry.record(TASK, "2")
    assert (record["origin"], record.get("run")) == ("import", None)
    assert (record["source"]["stage"], record["source"]["run"]) == ("test", "r-1")
    assert record["decision"]["accepted"]
    assert record["decision"]["reasons"] == ["As measured.", "Decided in the stage test."]
    assert prod.registry.shown(TASK, "2", "card.md") == b"# Card of 2"
    deployed = ("deploy-model", {"version": "2"})
    assert acts(prod) == [deployed, ("import-model", {"version": "2", "stage": "test"})]

    assert run(monkeypatch, *promote) == "", "it can be repeated"
    assert prod.registry.current(TASK) == current
    assert len(acts(prod)) == 2

    roll_back(TASK, prod.registry, endpoint_manager=None)  # type: ignore[arg-type] # nothing has an endpoint
    assert statuses_of(prod) == {"1": "current", "2": "previous"}
    assert acts(test) == []


def test_second_promotion_deletes_the_endpoint_of_a_retrained_model(
    stages: tuple[StageAccess, StageAccess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, prod = stages
    sagemaker, endpoint = FakeSageMaker("c"), f"negatoscope-prod-{TASK}"
    monkeypatch.setattr(StageAccess, "endpoint_manager", endpoint_manager(sagemaker))
    for version in ("3", "2", "1"):
        add(prod, tmp_path, version, metrics={"test": GOOD})
    prod.registry.promote(TASK, "1", endpoint, "c")
    sagemaker.serve(endpoint, "c")

    assert run(monkeypatch, "promote", TASK, "--to", "prod", "--version", "2") == ""
    assert "stays for a rollback" in capsys.readouterr().out
    assert endpoint in sagemaker.endpoints

    assert run(monkeypatch, "promote", TASK, "--to", "prod", "--version", "3") == ""
    assert sagemaker.calls == [("delete", endpoint)]


def statuses_of(stage: StageAccess) -> dict[str, str]:
    return {record["version"]: record["status"] for record in stage.registry.versions(TASK)}


@pytest.mark.parametrize(
    ("accepted", "metrics", "reason"),
    [
        (None, GOOD, "It has not been evaluated."),
        (False, GOOD, "It was rejected: As measured."),
        (True, METRICS, "Its accuracy is 0.990, below 0.992."),
    ],
)
def test_version_that_failed_its_gate_is_deployed_only_if_that_is_ignored(
    stages: tuple[StageAccess, StageAccess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    accepted: bool | None,
    metrics: dict[str, Any],
    reason: str,
) -> None:
    test, prod = stages
    add(test, tmp_path, "2", accepted=accepted, metrics={"test": metrics})
    promote = ("promote", TASK, "--from", "test", "--to", "prod", "--version", "2")

    refused = run(monkeypatch, *promote)

    assert reason in refused
    assert "GATE=ignore" in refused
    assert prod.registry.current(TASK) is None
    assert run(monkeypatch, *promote, "--ignore-gate") == ""
    assert statuses_of(prod) == {"2": "current"}
    assert acts(prod)[0] == ("deploy-model", {"version": "2", "gate": "ignored"})


def test_exported_file_is_imported_and_deployed_later(
    stages: tuple[StageAccess, StageAccess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, prod = stages
    add(test, tmp_path, "2", metrics={"test": GOOD})
    file = tmp_path / "model.tar"

    assert run(monkeypatch, "export", TASK, "--from", "test", "--file", str(file)) == ""
    assert "File exists" in run(monkeypatch, "export", TASK, "--from", "test", "--file", str(file))
    assert run(monkeypatch, "import", "--to", "prod", "--file", str(file)) == ""

    assert statuses_of(prod) == {"2": "accepted"}
    assert "Name the version" in run(monkeypatch, "promote", TASK, "--to", "prod")
    assert run(monkeypatch, "promote", TASK, "--to", "prod", "--version", "2") == ""
    assert statuses_of(prod) == {"2": "current"}


def test_other_model_of_the_same_name_is_refused(
    stages: tuple[StageAccess, StageAccess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, prod = stages
    add(test, tmp_path, "2", metrics={"test": GOOD})
    add(prod, tmp_path, "2", metrics={"test": GOOD}, cell=8)

    assert "another model that is called 2" in run(
        monkeypatch, "promote", TASK, "--from", "test", "--to", "prod"
    )


def test_promotion_waits_for_the_end_of_a_retraining(
    stages: tuple[StageAccess, StageAccess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, prod = stages
    add(test, tmp_path, "2", metrics={"test": GOOD})

    def check_idle(*_: Any) -> None:
        raise AlreadyRetraining("It is being retrained by r-2.")

    monkeypatch.setattr(RetrainingService, "check_idle", check_idle)

    assert "retrained by r-2" in run(monkeypatch, "promote", TASK, "--from", "test", "--to", "prod")
    assert statuses_of(prod) == {"2": "accepted"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ("--from", "old", "--to", "prod"),
            "There is no stage old in account 123456789012, region us-east-1",
        ),
        (("--from", "test", "--to", "../x"), "cannot be the name of a stage"),
        (("--from", "test", "--to", "prod"), "Nothing has been deployed"),
        (("--from", "test", "--to", "prod", "--version", "9"), "There is no model '9'"),
        (("--from", "test", "--to", "prod", "--to-profile", "gone"), "profile"),
    ],
)
def test_what_is_not_there_cannot_be_promoted(
    stages: tuple[StageAccess, StageAccess],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    assert reason in run(monkeypatch, "promote", TASK, *arguments)
