"""Every path through the definition of the retraining, with what its tasks answer made up."""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file

from chalicelib.retraining.planning import MAX_WAIT_SECONDS
from chalicelib.retraining.request import MAX_TRIALS
from tests.asl import Execution, TaskFailed
from tests.stage import ROOT
from training.search_space import metric_definitions, tuning_job

DEFINITION: dict[str, Any] = json.loads((ROOT / "statemachine" / "retrain.asl.json").read_text())
STATES: dict[str, Any] = DEFINITION["States"]

PLAN: dict[str, Any] = {
    "run": "run",
    "execution": "arn",
    "task": "chest-xray",
    "title": "Chest",
    "plain": True,
    "approval": False,
    "name": "negatoscope-test-chest-xray-0",
    "tuning_name": "negatoscope-test-0",
    "trials": 0,
    "folder": "s3://bucket/retrainings/chest-xray/run/",
    "data": {"images": 1, "corrections": 0},
    "preparing": {"arguments": ["training.prepare"]},
    "processing": {"instance_type": "ml.m7i.large", "volume_gb": 30},
    "training": {"hyperparameters": {}, "inputs": [], "spot": False, "stopping": {}},
    "current": {
        "deployed": None,
        "version": None,
        "origin": "",
        "uri": "s3://bucket/plan.json",
        "path": "",
        "fingerprint": None,
    },
    "serving": {
        "kind": "serverless",
        "endpoint": "e",
        "alarm": "a",
        "variants": [],
        "update": {},
        "spec": {},
    },
}
CLOSED = {"subject": "S", "message": "M"}
TRAINED = {"TrainingJobName": "job", "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"}}
ANSWERS: dict[str, Any] = {
    "Plan": PLAN,
    "Prepare data": {"ProcessingJobName": "data"},
    "Review data": {"unchanged": False, "fingerprint": "f"},
    "Train": TRAINED,
    "Tune": {"BestTrainingJob": {"TrainingJobName": "best"}},
    "Take the best": TRAINED,
    "Register": {"version": "1", "sha256": "a", "uri": "s3://bucket/models/1/model.tar.gz", "package": "arn"},
    "Create model": {},
    "Answer test images": {"TransformJobName": "transform"},
    "Judge": {"ProcessingJobName": "judge"},
    "Decide": {"accepted": True, "reasons": "Better."},
    "Ask for approval": {"approved": True, "by": "me"},
    "Look at endpoint": {"state": "absent", "config": None, "retain": False},
    "Describe endpoint": {"EndpointStatus": "InService", "EndpointConfigName": PLAN["name"]},
    "Smoke test": {"passed": True, "reason": None},
    "Promote": {},
    "Check creation": {"creating": "?", "status": "completed", "job": "job", "error": {}},
    "Report failed undo": CLOSED,
    "Undo": {"settled": True, "error": "E", "cause": "C", **CLOSED},
    **{f"Close {name}": CLOSED for name in ("deployed", "rejected", "declined", "unchanged")},
}
"""What each task answers if all goes well."""

FAILURES = {
    "Prepare data": "DataFailed",
    "Review data": "DataFailed",
    "Tune": "TuningFailed",
    "Take the best": "TuningFailed",
    "Train": "TrainingFailed",
    "Register": "RegistrationFailed",
    "Create model": "EvaluationFailed",
    "Answer test images": "EvaluationFailed",
    "Judge": "EvaluationFailed",
    "Decide": "EvaluationFailed",
    "Ask for approval": "ApprovalFailed",
    "Create endpoint configuration": "DeploymentFailed",
    "Look at endpoint": "DeploymentFailed",
    "Create endpoint": "DeploymentFailed",
    "Update serverless endpoint": "DeploymentFailed",
    "Update provisioned endpoint": "DeploymentFailed",
    "Describe endpoint": "DeploymentFailed",
    "Smoke test": "SmokeTestFailed",
    "Promote": "PromotionFailed",
}
"""The state that each task's failure leads to."""

GENERAL = "SageMaker.AmazonSageMakerException"

HOUR = 3600

visited: set[str] = set()


class Fails(str):
    """The error that a task raises."""


def with_plan(**changes: Any) -> dict[str, Any]:
    return {**PLAN, **changes}


def kind(name: str) -> dict[str, Any]:
    return with_plan(serving={**PLAN["serving"], "kind": name})


TUNED = {"Plan": with_plan(trials=4)}
ASKED = {"Plan": with_plan(approval=True)}
READY = {"Look at endpoint": {"state": "ready", "config": "old", "retain": True}}

ENDS: list[tuple[str, dict[str, Any], str]] = [
    ("all goes well", {}, "Deployed"),
    ("a search comes first", TUNED, "Deployed"),
    ("a person agrees", ASKED, "Deployed"),
    ("no endpoint is wanted", {"Plan": kind("embedded")}, "Deployed"),
    ("a serverless endpoint is there", READY, "Deployed"),
    ("a provisioned endpoint is there", {"Plan": kind("provisioned"), **READY}, "Deployed"),
    (
        "the endpoint is changing, and takes its time",
        {
            "Look at endpoint": [{"state": "changing", "config": "old"}, {"state": "ready", "config": "old"}],
            "Describe endpoint": [
                {"EndpointStatus": "Updating", "EndpointConfigName": "old"},
                ANSWERS["Describe endpoint"],
            ],
        },
        "Deployed",
    ),
    ("nobody can be told", {"Tell: deployed": Fails("SNS.AmazonSNSException")}, "Deployed"),
    ("the end cannot be written down", {"Close deployed": Fails("Lambda.Unknown")}, "Deployed"),
    ("the task is being retrained already", {"Plan": {"skipped": "By run."}}, "Skipped"),
    ("the plan is refused", {"Plan": {"refused": "No images."}}, "Refused"),
    (
        "what another one left is cleaned up first",
        {"Plan": [{"waits_for": "stopped"}, {"waits_for": "stopped"}, PLAN]},
        "Deployed",
    ),
    ("there is nothing new", {"Review data": {"unchanged": True, "fingerprint": "f"}}, "Unchanged"),
    ("it is no better", {"Decide": {"accepted": False, "reasons": "Worse."}}, "Rejected"),
    ("a person declines", {**ASKED, "Ask for approval": {"approved": False, "by": "me"}}, "Rejected"),
    ("nobody answers", {**ASKED, "Ask for approval": Fails("States.Timeout")}, "Rejected"),
    (
        "the endpoint goes back by itself",
        {**READY, "Describe endpoint": {"EndpointStatus": "InService", "EndpointConfigName": "old"}},
        "Failed",
    ),
    ("it answers otherwise", {"Smoke test": {"passed": False, "reason": "Off."}}, "Failed"),
    (
        "undoing takes its time",
        {"Promote": Fails("E"), "Undo": [{"settled": False}, ANSWERS["Undo"]]},
        "Failed",
    ),
    ("nobody can be told of the failure", {"Train": Fails("E"), "Tell: failed": Fails("E")}, "Failed"),
    ("planning fails", {"Plan": Fails("Lambda.Unknown")}, "PlanningFailed"),
    ("undoing fails", {"Train": Fails("E"), "Undo": Fails("E")}, "RollbackFailed"),
    (
        "undoing fails, and so does saying so",
        {"Train": Fails("E"), "Undo": Fails("E"), "Report failed undo": Fails("E")},
        "RollbackFailed",
    ),
    (
        "undoing fails, and nobody can be told",
        {"Train": Fails("E"), "Undo": Fails("E"), "Tell: undo failed": Fails("E")},
        "RollbackFailed",
    ),
]


def to(state: str) -> dict[str, Any]:
    """Answers that lead to a state that not every path passes."""
    return {
        "Tune": TUNED,
        "Take the best": TUNED,
        "Ask for approval": ASKED,
        "Update serverless endpoint": READY,
        "Update provisioned endpoint": {"Plan": kind("provisioned"), **READY},
    }.get(state, {})


def walk(answers: Mapping[str, Any]) -> Execution:
    """One execution in which tasks answer as told, each time with the next answer of a list."""
    series = {
        name: iter(answer if isinstance(answer, list) else [answer] * 30)
        for name, answer in {**ANSWERS, **answers}.items()
    }

    def perform(name: str, _: Mapping[str, Any]) -> Any:
        answer = next(series[name]) if name in series else {}
        if isinstance(answer, Fails):
            raise TaskFailed(str(answer))
        return answer

    execution = Execution(DEFINITION, {"task": "chest-xray"}, perform)
    visited.update(execution.passed)
    return execution


@pytest.mark.parametrize(("answers", "end"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
def test_every_end_is_reached_as_meant(answers: dict[str, Any], end: str) -> None:
    assert walk(answers).end == end


@pytest.mark.parametrize(("task", "failed"), FAILURES.items())
def test_every_failure_is_undone_and_ends_as_such(task: str, failed: str) -> None:
    execution = walk({**to(task), task: Fails("States.TaskFailed")})

    assert execution.passed[execution.passed.index(task) :] == [
        task,
        failed,
        "Undo",
        "Is it undone?",
        "Tell: failed",
        "Failed",
    ]
    assert execution.data["failed"] == failed
    assert execution.data["error"] == {"Error": "States.TaskFailed", "Cause": "why"}


CREATED = {
    "Prepare data": ("data", "DataFailed"),
    "Tune": ("tuning", "TuningFailed"),
    "Train": ("training", "TrainingFailed"),
    "Create model": ("model", "EvaluationFailed"),
    "Answer test images": ("transform", "EvaluationFailed"),
    "Judge": ("evaluation", "EvaluationFailed"),
    "Create endpoint configuration": ("config", "DeploymentFailed"),
    "Create endpoint": ("endpoint", "DeploymentFailed"),
    "Update serverless endpoint": ("endpoint", "DeploymentFailed"),
    "Update provisioned endpoint": ("endpoint", "DeploymentFailed"),
}
"""What each of SageMaker's tasks creates, and the failure that it leads to."""


@pytest.mark.parametrize("error", ["general", "SageMaker.ResourceInUseException"])
@pytest.mark.parametrize("task", CREATED)
def test_what_was_created_though_the_request_failed_is_waited_for(task: str, error: str) -> None:
    general = "SageMaker.SageMakerException" if task.endswith("provisioned endpoint") else GENERAL
    checks = [{"status": "running"}, ANSWERS["Check creation"]]

    execution = walk(
        {**to(task), task: Fails(general if error == "general" else error), "Check creation": checks}
    )

    assert execution.end == "Deployed"
    assert execution.data["creating"] == CREATED[task][0]
    assert execution.passed.count("Wait for creation") == 1
    if task in ("Tune", "Train"):
        assert "Take the best" in execution.passed, "it says where the model is"


@pytest.mark.parametrize("check", [{"status": "failed", "error": {}}, Fails("Lambda.Broken")])
@pytest.mark.parametrize("task", CREATED)
def test_what_was_not_created_fails_as_what_it_is(task: str, check: Any) -> None:
    execution = walk({**to(task), task: Fails("SageMaker.ResourceInUseException"), "Check creation": check})

    assert execution.data["failed"] == CREATED[task][1]
    assert execution.end == "Failed"


def test_every_state_was_passed() -> None:
    assert visited == STATES.keys()


def lint(definition: str, folder: Path) -> list[str]:
    """What cfn-lint, which knows the language of state machines, finds wrong."""
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/x", "Definition": json.loads(definition)}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = folder / "template.json"
    template.write_text(json.dumps({"Resources": {"Machine": machine}}))
    return [str(match) for match in lint_file(template)]


def test_the_definition_is_valid_once_the_template_has_filled_it_in(tmp_path: Path) -> None:
    text = (ROOT / "statemachine" / "retrain.asl.json").read_text()
    template = (ROOT / "statemachine" / "template.yaml").read_text()
    substitutions = re.findall(
        r"^        (\w+): ",
        template.partition("DefinitionSubstitutions:")[2].partition("LoggingConf")[0],
        re.M,
    )
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    filled = re.sub(r"\$\{\w+\}", "arn:aws:lambda:eu-central-1:123456789012:function:x", text)

    assert lint(filled, tmp_path) == []
    assert lint(filled.replace('"Type": "Succeed"', '"Type": "Success"'), tmp_path) != []


def test_every_task_retries_what_passes_and_catches_the_rest() -> None:
    for name, state in STATES.items():
        if state["Type"] == "Task":
            assert state["Retry"], name
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def seconds(retrier: Mapping[str, Any]) -> float:
    """How long a retrier goes on at most, besides the attempts themselves."""
    pauses = (
        retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count
        for count in range(retrier["MaxAttempts"])
    )
    return float(sum(min(pause, retrier["MaxDelaySeconds"]) for pause in pauses))


def retrier_for(name: str, error: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(r for r in STATES[name]["Retry"] if error in r["ErrorEquals"])
    return found


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if ":sagemaker:" in str(state)])
def test_a_quota_that_is_used_up_is_waited_for_until_others_have_finished(name: str) -> None:
    quota = retrier_for(name, "SageMaker.ResourceLimitExceededException")
    assert 8 * HOUR < seconds(quota) < 24 * HOUR


@pytest.mark.parametrize(
    "name", [name for name, state in STATES.items() if "${RetrainingFunction}" in json.dumps(state)]
)
@pytest.mark.parametrize(
    "error",
    ["StepInterrupted", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "Lambda.ServiceException"],
)
def test_a_step_that_was_killed_or_interrupted_is_repeated_for_minutes(name: str, error: str) -> None:
    retrier = retrier_for(name, error)
    assert seconds(retrier) > (HOUR if name == "Undo" else 240)


def test_no_retraining_runs_out_of_time_before_its_parts_do() -> None:
    job = STATES["Prepare data"]["Parameters"]["StoppingCondition"]["MaxRuntimeInSeconds"]
    parallel = STATES["Tune"]["Parameters"]["HyperParameterTuningJobConfig"]["ResourceLimits"]
    tuning = MAX_TRIALS / parallel["MaxParallelTrainingJobs"] * MAX_WAIT_SECONDS
    approval = STATES["Ask for approval"]["TimeoutSeconds"]
    quota = seconds(retrier_for("Train", "SageMaker.ResourceLimitExceededException"))
    transform = 5 * 24 * HOUR  # SageMaker's own limit
    total = 2 * job + tuning + transform + approval + 6 * quota

    assert total < DEFINITION["TimeoutSeconds"] < 365 * 24 * HOUR


def test_what_is_searched_and_read_from_logs_is_what_training_says() -> None:
    job = STATES["Tune"]["Parameters"]["HyperParameterTuningJobConfig"]
    expected = tuning_job({}, 8)["HyperParameterTuningJobConfig"]
    assert {**job, "ResourceLimits": None} == {**expected, "ResourceLimits": None}
    for definition in (STATES["Train"]["Parameters"], STATES["Tune"]["Parameters"]["TrainingJobDefinition"]):
        assert definition["AlgorithmSpecification"]["MetricDefinitions"] == metric_definitions()


def edges() -> set[tuple[str, str]]:
    """From which state to which the definition goes."""
    found = set()
    for name, state in STATES.items():
        exits = [state, *state.get("Choices", ()), *state.get("Catch", ())]
        found |= {(name, way["Next"]) for way in exits if "Next" in way}
        found |= {(name, state["Default"])} if "Default" in state else set()
    return found


def drawn() -> set[tuple[str, str]]:
    """From which state to which the picture of docs/retraining.md goes."""
    text = (ROOT / "docs" / "retraining.md").read_text()
    picture = text.split("```mermaid\nflowchart TD\n")[1].split("```")[0]
    names = dict(re.findall(r'(\w+)[\[{]"(.+?)"[\]}]', picture))
    found = set()
    for line in re.sub(r'[\[{]".+?"[\]}]', "", picture).splitlines():
        groups = [group.split(" & ") for group in line.strip().split(" --> ")]
        for left, right in pairwise(groups):
            found |= {(names.get(a, a), names.get(b, b)) for a in left for b in right}
    return found


def test_the_picture_shows_the_definition() -> None:
    assert drawn() == edges()
