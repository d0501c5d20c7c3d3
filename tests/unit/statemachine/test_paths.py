"""Every path through the state machine of a retraining, with made-up results of its tasks."""

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.retraining.steps import take
from statemachine.definition import DEFINITION
from tests.asl import Execution, TaskFailed
from tests.plans import PLAN
from tests.steps import steps

STATES: dict[str, Any] = DEFINITION["States"]
STEPS = steps()

CLOSED = {"subject": "S", "message": "M"}
TRAINED = {"TrainingJobName": "job", "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"}}
ANSWERS: dict[str, Any] = {
    "Plan": PLAN,
    "Prepare data": {"ProcessingJobName": "data"},
    "Check data": {"unchanged": False, "fingerprint": "f"},
    "Train": TRAINED,
    "Tune hyperparameters": {"BestTrainingJob": {"TrainingJobName": "best"}},
    "Describe training job": TRAINED,
    "Register": {"version": "1", "sha256": "a", "uri": "s3://bucket/models/1/model.tar.gz", "package": "arn"},
    "Create model": {},
    "Batch inference": {"TransformJobName": "transform"},
    "Evaluate candidate": {"ProcessingJobName": "judge"},
    "Record decision": {"accepted": True, "reasons": "Better."},
    "Wait for approval": {"approved": True, "by": "me"},
    "Inspect endpoint": {"state": "absent", "config": None, "retain": False},
    "Describe endpoint": {"EndpointStatus": "InService", "EndpointConfigName": PLAN["name"]},
    "Smoke test": {"passed": True, "reason": None},
    "Promote": {},
    "Check creation": {"creating": "?", "status": "completed", "job": "job", "error": {}},
    "Report failed rollback": CLOSED,
    "Roll back": {"settled": True, "error": "E", "cause": "C", **CLOSED},
    **{f"Finalize {name}": CLOSED for name in ("deployed", "rejected", "declined", "unchanged")},
}
"""Results of the tasks if nothing fails."""

FAILURES = {
    "Prepare data": "DataFailed",
    "Check data": "DataFailed",
    "Tune hyperparameters": "TuningFailed",
    "Describe training job": "TuningFailed",
    "Train": "TrainingFailed",
    "Register": "RegistrationFailed",
    "Create model": "EvaluationFailed",
    "Batch inference": "EvaluationFailed",
    "Evaluate candidate": "EvaluationFailed",
    "Record decision": "EvaluationFailed",
    "Wait for approval": "ApprovalFailed",
    "Create endpoint configuration": "DeploymentFailed",
    "Inspect endpoint": "DeploymentFailed",
    "Create endpoint": "DeploymentFailed",
    "Update serverless endpoint": "DeploymentFailed",
    "Update provisioned endpoint": "DeploymentFailed",
    "Describe endpoint": "DeploymentFailed",
    "Smoke test": "SmokeTestFailed",
    "Promote": "PromotionFailed",
}
"""The state to which the failure of each task leads."""

GENERAL = "SageMaker.AmazonSageMakerException"

visited: set[str] = set()


class Fails(str):
    """The name of an error that a task raises."""


def with_plan(**changes: Any) -> dict[str, Any]:
    return {**PLAN, **changes}


def kind(name: str) -> dict[str, Any]:
    return with_plan(serving={**PLAN["serving"], "kind": name})


TUNED = {"Plan": with_plan(trials=4)}
ASKED = {"Plan": with_plan(approval=True)}
READY = {"Inspect endpoint": {"state": "ready", "config": "old", "retain": True}}

ENDS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing fails", {}, "Deployed"),
    ("hyperparameters are tuned", TUNED, "Deployed"),
    ("a person approves", ASKED, "Deployed"),
    ("no endpoint is required", {"Plan": kind("embedded")}, "Deployed"),
    ("a serverless endpoint exists", READY, "Deployed"),
    ("a provisioned endpoint exists", {"Plan": kind("provisioned"), **READY}, "Deployed"),
    (
        "the endpoint is being changed",
        {
            "Inspect endpoint": [{"state": "changing", "config": "old"}, {"state": "ready", "config": "old"}],
            "Describe endpoint": [
                {"EndpointStatus": "Updating", "EndpointConfigName": "old"},
                ANSWERS["Describe endpoint"],
            ],
        },
        "Deployed",
    ),
    ("the notification fails", {"Notify deployed": Fails("SNS.AmazonSNSException")}, "Deployed"),
    ("the end cannot be recorded", {"Finalize deployed": Fails("Lambda.Unknown")}, "Deployed"),
    ("the task is being retrained already", {"Plan": {"skipped": "By run."}}, "Skipped"),
    ("the request is refused", {"Plan": {"refused": "No images."}}, "Refused"),
    (
        "a stopped retraining is cleaned up first",
        {"Plan": [{"waits_for": "stopped"}, {"waits_for": "stopped"}, PLAN]},
        "Deployed",
    ),
    ("the data are unchanged", {"Check data": {"unchanged": True, "fingerprint": "f"}}, "Unchanged"),
    (
        "the candidate is not better",
        {"Record decision": {"accepted": False, "reasons": "Worse."}},
        "Rejected",
    ),
    ("a person declines", {**ASKED, "Wait for approval": {"approved": False, "by": "me"}}, "Rejected"),
    ("no answer in time", {**ASKED, "Wait for approval": Fails("States.Timeout")}, "Rejected"),
    (
        "SageMaker rolls the update back",
        {**READY, "Describe endpoint": {"EndpointStatus": "InService", "EndpointConfigName": "old"}},
        "Failed",
    ),
    (
        "the endpoint does not start",
        {"Describe endpoint": [{"EndpointStatus": "Creating"}, {"EndpointStatus": "Failed"}]},
        "Failed",
    ),
    ("the smoke test fails", {"Smoke test": {"passed": False, "reason": "Off."}}, "Failed"),
    (
        "the rollback takes several attempts",
        {"Promote": Fails("E"), "Roll back": [{"settled": False}, ANSWERS["Roll back"]]},
        "Failed",
    ),
    ("the notification of a failure fails", {"Train": Fails("E"), "Notify failed": Fails("E")}, "Failed"),
    ("planning fails", {"Plan": Fails("Lambda.Unknown")}, "PlanningFailed"),
    ("the rollback fails", {"Train": Fails("E"), "Roll back": Fails("E")}, "RollbackFailed"),
    (
        "the rollback fails, and so does reporting it",
        {"Train": Fails("E"), "Roll back": Fails("E"), "Report failed rollback": Fails("E")},
        "RollbackFailed",
    ),
    (
        "the rollback fails, and so does the notification",
        {"Train": Fails("E"), "Roll back": Fails("E"), "Notify rollback failed": Fails("E")},
        "RollbackFailed",
    ),
]


def to(state: str) -> dict[str, Any]:
    """Results that lead to a state that not every path passes."""
    return {
        "Tune hyperparameters": TUNED,
        "Describe training job": TUNED,
        "Wait for approval": ASKED,
        "Update serverless endpoint": READY,
        "Update provisioned endpoint": {"Plan": kind("provisioned"), **READY},
    }.get(state, {})


def check_payload(payload: Mapping[str, Any]) -> None:
    """Make sure that a step of the Lambda gets all that it requires."""
    if "step" in payload:
        take(STEPS[payload["step"]], {**payload.get("state", {}), **payload})


def walk(answers: Mapping[str, Any]) -> Execution:
    """One execution in which tasks have the given results; of a list, the next one each time."""
    series = {
        name: iter(answer if isinstance(answer, list) else [answer] * 30)
        for name, answer in {**ANSWERS, **answers}.items()
    }

    def perform(name: str, parameters: Mapping[str, Any]) -> Any:
        check_payload(parameters.get("Payload", parameters))
        answer = next(series[name]) if name in series else {}
        if isinstance(answer, Fails):
            raise TaskFailed(str(answer))
        return answer

    execution = Execution(DEFINITION, {"task": "chest-xray"}, perform)
    visited.update(execution.passed)
    return execution


@pytest.mark.parametrize(("answers", "end"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
def test_execution_reaches_its_end(answers: dict[str, Any], end: str) -> None:
    assert walk(answers).end == end


@pytest.mark.parametrize(("task", "failed"), FAILURES.items())
def test_failure_of_a_task_is_rolled_back(task: str, failed: str) -> None:
    execution = walk({**to(task), task: Fails("States.TaskFailed")})

    assert execution.passed[execution.passed.index(task) :] == [
        task,
        failed,
        "Roll back",
        "Rolled back?",
        "Notify failed",
        "Failed",
    ]
    assert execution.data["failed"] == failed
    assert execution.data["error"] == {"Error": "States.TaskFailed", "Cause": "why"}


CREATED = {
    "Prepare data": ("data", "DataFailed"),
    "Tune hyperparameters": ("tuning", "TuningFailed"),
    "Train": ("training", "TrainingFailed"),
    "Create model": ("model", "EvaluationFailed"),
    "Batch inference": ("transform", "EvaluationFailed"),
    "Evaluate candidate": ("evaluation", "EvaluationFailed"),
    "Create endpoint configuration": ("config", "DeploymentFailed"),
    "Create endpoint": ("endpoint", "DeploymentFailed"),
    "Update serverless endpoint": ("endpoint", "DeploymentFailed"),
    "Update provisioned endpoint": ("endpoint", "DeploymentFailed"),
}
"""What the tasks create in SageMaker, and the failures to which they lead."""


@pytest.mark.parametrize(
    "error", ["general", "SageMaker.ResourceInUseException", "SageMaker.SdkClientException"]
)
@pytest.mark.parametrize("task", CREATED)
def test_creation_behind_a_failed_request_is_waited_for(task: str, error: str) -> None:
    general = "SageMaker.SageMakerException" if task.endswith("provisioned endpoint") else GENERAL
    checks = [{"status": "running"}, ANSWERS["Check creation"]]

    execution = walk(
        {**to(task), task: Fails(general if error == "general" else error), "Check creation": checks}
    )

    assert execution.end == "Deployed"
    assert execution.data["creating"] == CREATED[task][0]
    assert execution.passed.count("Wait for creation") == 1
    if task in ("Tune hyperparameters", "Train"):
        assert "Describe training job" in execution.passed, "it says where the model is"


@pytest.mark.parametrize("check", [{"status": "failed", "error": {}}, Fails("Lambda.Broken")])
@pytest.mark.parametrize("task", CREATED)
def test_failed_creation_fails_the_retraining(task: str, check: Any) -> None:
    execution = walk({**to(task), task: Fails("SageMaker.ResourceInUseException"), "Check creation": check})

    assert execution.data["failed"] == CREATED[task][1]
    assert execution.end == "Failed"


def test_tests_above_pass_every_state() -> None:
    assert visited == STATES.keys()
