"""The last steps of a retraining: finalize and roll back."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import (
    ModelChanged,
)
from chalicelib.retraining import finalization
from tests.models import TASK, VERSION
from tests.retraining_stage import ERROR, EXECUTION, FOUND, Stage

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_finalize_deployed_records_the_new_model(stage: Stage) -> None:
    stage.register()
    stage.run("promote", "promoted")

    notification = stage.run("finalize-deployed", "notification")

    assert notification["subject"] == f"{TASK}: retraining deployed"
    assert notification["message"] == f"It is better. {VERSION} classifies from now on."
    assert stage.is_over("deployed")["outcome"] == notification["message"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert current.config == stage.state["plan"]["name"]


def test_finalize_deployed_says_that_the_endpoint_of_the_model_before_stays(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.state["plan"]["serving"]["kind"] = "embedded"
    stage.run("promote", "promoted")

    message = stage.run("finalize-deployed", "notification")["message"]

    name = f"negatoscope-test-{TASK}"
    assert f"classifies from now on. The endpoint {name} stays for a rollback" in message
    assert stage.sagemaker.calls == []


def test_finalize_deployed_deletes_an_endpoint_that_no_model_needs(stage: Stage) -> None:
    stage.deploy("first", "old")
    stage.deploy("before", "old")
    stage.registry.promote(TASK, "before", None, None)
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.state["plan"]["serving"]["kind"] = "embedded"
    stage.run("promote", "promoted")

    assert "endpoint" not in stage.run("finalize-deployed", "notification")["message"]

    assert stage.sagemaker.calls == [f"delete negatoscope-test-{TASK}"]
    assert stage.is_over("deployed")


@pytest.mark.parametrize(
    ("outcome", "approval", "status", "sentence"),
    [
        ("rejected", {}, "rejected", "It is better. The current model stays."),
        ("declined", {}, "rejected", "The new model was not approved in time."),
        ("declined", {"approval": {"by": "4711", "comment": "No."}}, "rejected", "declined by 4711. No."),
        ("unchanged", {}, "unchanged", '{"force": true} trains anyway.'),
    ],
)
def test_finalize_otherwise_keeps_the_current_model(
    stage: Stage, outcome: str, approval: dict[str, Any], status: str, sentence: str
) -> None:
    stage.register()
    stage.state |= approval

    assert sentence in stage.run(f"finalize-{outcome}", "notification")["message"]

    assert sentence in stage.is_over(status)["outcome"]
    assert stage.registry.current(TASK) is None
    forgotten = stage.sagemaker.calls != []
    assert forgotten is (outcome != "unchanged")
    refused = stage.registry.record(TASK, VERSION)["decision"]
    assert (refused is not None) is (outcome == "declined")


def test_subject_is_short_ascii(stage: Stage) -> None:
    stage.register()
    stage.state["plan"] |= {"title": "Gewebe der weiblichen\nBrust, gefärbt " * 9}

    subject = stage.run("finalize-rejected", "notification")["subject"]

    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100


def test_roll_back_explains_a_failed_training(stage: Stage) -> None:
    stage.plan()
    stage.state |= {"failed": "TrainingFailed", "error": ERROR}

    rollback = stage.run("roll-back", "rollback")

    assert rollback["settled"] is True
    assert rollback["cause"].startswith("No memory left. See its log in /aws/sagemaker/TrainingJobs.")
    assert rollback["subject"] == f"{TASK}: retraining failed"
    assert stage.is_over("failed")["outcome"] == rollback["cause"]


def test_roll_back_stops_a_job_that_still_runs(stage: Stage) -> None:
    """Its creation was not confirmed, and it could not be described."""
    stage.plan()
    name = stage.state["plan"]["name"]
    stage.sagemaker.running = {("training_job", name)}
    stage.state |= {"failed": "TrainingFailed", "error": ERROR}

    stage.run("roll-back", "rollback")

    assert stage.sagemaker.stopped == [("training_job", name)]
    assert stage.is_over("failed")


def test_roll_back_restores_the_endpoint_step_by_step(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    assert stage.run("inspect-endpoint", "endpoint") == FOUND
    stage.sagemaker.config, stage.sagemaker.reason = stage.state["plan"]["name"], "No answer to /ping."
    stage.state["failed"] = "DeploymentFailed"

    assert stage.run("roll-back", "rollback")["settled"] is False
    assert stage.repository.holder(TASK) == EXECUTION
    stage.sagemaker.status, stage.sagemaker.reason = "InService", ""
    rollback = stage.run("roll-back", "rollback")

    assert rollback["settled"] is True
    assert rollback["cause"].startswith("No answer to /ping. The endpoint's log")  # of the first attempt
    assert stage.sagemaker.config == "old"
    assert stage.is_over("failed")
    assert stage.registry.record(TASK, VERSION)["decision"]["accepted"] is False
    assert stage.sagemaker.packages[stage.state["candidate"]["package"]]["ModelApprovalStatus"] == "Rejected"


def test_roll_back_keeps_a_promoted_model(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.run("inspect-endpoint", "endpoint")
    own = stage.sagemaker.config = stage.state["plan"]["name"]
    stage.run("promote", "promoted")
    stage.state |= {"failed": "PromotionFailed", "error": {"Error": "Lambda.Unknown", "Cause": "Timed out"}}

    rollback = stage.run("roll-back", "rollback")

    assert rollback["settled"] is True
    assert rollback["subject"] == f"{TASK}: retraining deployed"
    assert rollback["cause"].startswith(f"{VERSION} classifies from now on, but recording that failed. Timed")
    assert stage.is_over("deployed")["outcome"] == rollback["cause"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert (current.version, current.config) == (VERSION, own)
    assert stage.sagemaker.config == own
    assert stage.sagemaker.calls == []
    assert stage.sagemaker.packages[stage.state["candidate"]["package"]]["ModelApprovalStatus"] == "Approved"


def test_roll_back_ignores_a_configuration_put_there_by_hand(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "by-hand"
    assert stage.run("inspect-endpoint", "endpoint") == FOUND | {"config": "by-hand"}
    stage.sagemaker.config = stage.state["plan"]["name"]
    stage.state |= {"failed": "SmokeTestFailed", "smoke_test": {"passed": False, "reason": "It is off."}}

    stage.run("roll-back", "rollback")

    assert stage.sagemaker.calls == [f"update negatoscope-test-{TASK} to old"]


def test_roll_back_restores_the_version_that_is_current_now(stage: Stage) -> None:
    """A rollback happened during the deployment."""
    stage.deploy("first", "first")
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.run("inspect-endpoint", "endpoint")
    stage.registry.roll_back(TASK, stage.registry.current(TASK))
    stage.sagemaker.config = stage.state["plan"]["name"]

    with pytest.raises(ModelChanged, match="first has become the current model"):
        stage.run("promote")
    stage.state |= {"failed": "PromotionFailed", "error": ERROR}
    stage.run("roll-back", "rollback")

    assert stage.sagemaker.calls == [f"update negatoscope-test-{TASK} to first"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert current.version == "first"


def test_report_failed_rollback_describes_the_endpoint(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics: list[tuple[str, str]] = []
    monkeypatch.setattr(finalization, "count", lambda *metric: metrics.append(metric))
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "Updating", "by-hand"
    stage.state |= {"failed": "PromotionFailed", "error": ERROR}

    notification = stage.run("report-failed-rollback", "notification")

    assert metrics == [("RollbackFailed", TASK)]
    assert notification["subject"] == f"{TASK}: a failed retraining could not be rolled back"
    assert "No memory left." in notification["message"]
    assert f"The endpoint negatoscope-test-{TASK} is Updating and serves by-hand." in notification["message"]
    record = stage.repository.get("run")
    assert (record["status"], record["outcome"]) == ("failed", notification["message"])
    assert record["ended_at"]
    assert stage.repository.holder(TASK) == EXECUTION, "the next retraining takes it over and finishes"


def test_roll_back_deletes_an_endpoint_that_did_not_exist(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()

    assert stage.run("inspect-endpoint", "endpoint") == {"state": "absent", "config": None, "retain": False}
    stage.sagemaker.status, stage.sagemaker.config = "InService", stage.state["plan"]["name"]
    stage.state |= {"failed": "SmokeTestFailed", "smoke_test": {"passed": False, "reason": "It is off."}}
    stage.run("roll-back", "rollback")

    assert stage.sagemaker.calls == [f"delete negatoscope-test-{TASK}"]


def test_roll_back_says_that_the_endpoint_is_gone(stage: Stage) -> None:
    """It was serverless, was updated to instances, and cannot be updated back."""
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.run("inspect-endpoint", "endpoint")
    own = stage.sagemaker.config = stage.state["plan"]["name"]
    stage.sagemaker.instance_types = {own: "ml.c5.large"}
    stage.state |= {"failed": "SmokeTestFailed", "smoke_test": {"passed": False, "reason": "It is off."}}

    assert stage.run("roll-back", "rollback")["settled"] is False
    stage.sagemaker.status = None
    stage.run("roll-back", "rollback")

    name = f"negatoscope-test-{TASK}"
    assert stage.sagemaker.calls[:1] == [f"delete {name}"]
    assert f"Its endpoint {name} is gone" in stage.is_over("failed")["outcome"]


def test_roll_back_works_without_a_candidate(stage: Stage) -> None:
    stage.plan()
    stage.state |= {"failed": "RegistrationFailed", "error": {"Error": "InvalidModelPackage", "Cause": "x"}}

    assert stage.run("roll-back", "rollback")["settled"] is True
    assert stage.is_over("failed")["outcome"].startswith("x. The current model stays.")


def test_repeated_promotion_does_not_revert_a_rollback(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.run("promote", "promoted")
    stage.registry.roll_back(TASK, stage.registry.current(TASK))

    with pytest.raises(ModelChanged, match="has been rolled back since"):
        stage.run("promote")

    stage.state |= {"failed": "PromotionFailed", "error": ERROR}
    assert "was deployed and rolled back, but recording" in stage.run("roll-back", "rollback")["cause"]
    assert stage.sagemaker.calls == [], "a rollback of the rollback finds all it needs"
