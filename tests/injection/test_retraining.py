"""Retrainings and rollbacks in which each call to AWS fails in turn."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.errors import NothingToApprove
from chalicelib.models import rollback
from chalicelib.models.deployment import Deployment
from chalicelib.retraining import finalization
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.planning import planner
from chalicelib.retraining.repository import empty_record
from chalicelib.retraining.service import RetrainingService
from chalicelib.retraining.training_jobs import TrainingJobs
from chalicelib.storage.audit import Audit
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import ServingKind
from tests.asl import Execution
from tests.injection.faults import Fault, Killed, Kind, faults
from tests.injection.retraining import ENDPOINT, MACHINE, Proxy, Stage, Wire
from tests.models import TASK
from tests.stepfunctions import FakeStepFunctions

KINDS: list[tuple[ServingKind, ServingKind]] = [
    ("serverless", "serverless"),
    ("provisioned", "provisioned"),
    ("serverless", "embedded"),
    ("embedded", "embedded"),
    ("provisioned", "serverless"),
    ("serverless", "provisioned"),
]
"""How the new model is served, and how the one before."""


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that were emitted."""
    metrics: list[str] = []
    for module in (finalization, planner):
        monkeypatch.setattr(module, "count", lambda metric, _task: metrics.append(metric))
    return metrics


COMMON = (
    "Prepare data",
    "Check data",
    "Train",
    "Register",
    "Create model",
    "Batch inference",
    "Evaluate candidate",
    "Record decision",
)
"""States that do not depend on the serving: their calls fail only with the first kind."""

ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "tuned and approved": ("Deployed", {"request": {"tune": 2, "approval": True}}),
    "declined": ("Rejected", {"request": {"force": True, "approval": True}, "approved": False}),
    "rejected": ("Rejected", {"accepted": False}),
    "slow": ("Deployed", {"kind": "serverless", "slow": True}),
    "refused": ("Refused", {"request": {"hyperparameters": {"no such": 1}}}),
    "unchanged": ("Unchanged", {"request": {}, "fingerprint": "f00"}),
}
"""Other outcomes: the last state, and the arguments of `Stage` that lead there."""


def run(stage: Stage, wire: Wire, end: str = "Deployed") -> Execution:
    """Run a retraining to the expected end, and check that nothing is half-done."""
    stage.connect(wire)
    execution = stage.retrain("run")
    assert execution.end == end
    stage.check_settled()
    return execution


def calls_of_a_retraining(kind: ServingKind, before: ServingKind) -> list[tuple[int, str]]:
    """The calls that are to fail: their numbers and names."""
    wire = Wire()
    run(Stage(kind, before=before), wire)
    everything = (kind, before) == KINDS[0]
    calls = enumerate(zip(wire.calls, wire.states, strict=True))
    return [(number, call) for number, (call, state) in calls if everything or state not in COMMON]


@pytest.mark.parametrize(("kind", "before"), KINDS)
def test_single_fault_changes_nothing(kind: ServingKind, before: ServingKind) -> None:
    calls = dict(calls_of_a_retraining(kind, before))
    assert len(calls) >= 20
    for fault in faults(max(calls) + 1):
        if fault.call not in calls:
            continue
        stage = Stage(kind, before=before)
        try:
            run(stage, Wire(fault))
            assert current(stage).previous == "1"
        except Exception as error:
            raise AssertionError(f"{fault}, {calls[fault.call]}") from error


def other_stage(options: Mapping[str, Any]) -> Stage:
    """One of `ENDS`; embedded by default, which takes the fewest calls."""
    return Stage(**{"kind": "embedded", **options})


@pytest.mark.parametrize(("end", "options"), ENDS.values(), ids=ENDS.keys())
def test_single_fault_changes_no_other_outcome(end: str, options: dict[str, Any]) -> None:
    wire = Wire()
    run(other_stage(options), wire, end)
    for fault in faults(len(wire.calls)):
        try:
            run(other_stage(options), Wire(fault), end)
        except Exception as error:
            raise AssertionError(f"{fault}, {wire.calls[fault.call]}") from error


@pytest.mark.parametrize(("kind", "before"), KINDS)
def test_broken_state_leaves_nothing_half_done(kind: ServingKind, before: ServingKind) -> None:
    for number, call in calls_of_a_retraining(kind, before):
        for way in (Kind.REFUSED, Kind.FAILED_LATE, Kind.KILLED_AFTER):
            stage = Stage(kind, before=before)
            stage.connect(Wire(Fault(number, way), stubborn=True))
            try:
                stage.retrain("run")
                stage.check_answers()
                assert stage.retrain("next").end == "Deployed"
                stage.check_settled()
            except Exception as error:
                raise AssertionError(f"{way} from call {number}, {call}") from error


@pytest.mark.parametrize("kind", ["serverless", "embedded"])
def test_failed_rollback_is_finished_by_the_next_retraining(kind: ServingKind) -> None:
    wire = Wire()
    run(Stage(kind), wire)
    ends = set()
    for state in dict.fromkeys(wire.states):
        stage = Stage(kind)
        fault = Fault(wire.states.index(state), Kind.REFUSED)
        stage.connect(Wire(fault, stubborn=True, undo_fails=True))
        try:
            ends.add(stage.retrain("run").end)
            stage.check_answers()
            assert stage.retrain("next").end == "Deployed"
            stage.check_settled()
        except Exception as error:
            raise AssertionError(f"nothing works in {state}, nor in the rollback") from error
    assert "RollbackFailed" in ends


def current(stage: Stage) -> Deployment:
    deployment = stage.registry.current(TASK)
    assert deployment is not None
    return deployment


def roll_back(stage: Stage, wire: Wire) -> Deployment | None:
    """The answer of a rollback; None if it failed."""
    version = current(stage).version if not wire.fault else "2"
    stage.connect(wire)
    try:
        return rollback.roll_back(TASK, stage.registry, stage.endpoint_manager, version)
    except (Exception, Killed):
        return None


def deployed(kind: ServingKind, before: ServingKind) -> Stage:
    """A stage in which version `2` has been deployed after version `1`."""
    stage = Stage(kind, before=before)
    stage.register("2")
    if kind == "embedded":
        stage.registry.promote(TASK, "2", None, None)
    else:
        stage.serve("2", kind)
        stage.registry.promote(TASK, "2", ENDPOINT, "2")
    return stage


@pytest.mark.parametrize(("kind", "before"), [*KINDS, ("embedded", "serverless")])
def test_interrupted_model_rollback_is_finished_by_repeating_it(
    kind: ServingKind, before: ServingKind
) -> None:
    stage, wire = deployed(kind, before), Wire()
    assert roll_back(stage, wire) is not None
    for fault in faults(len(wire.calls)):
        stage = deployed(kind, before)
        try:
            answered = roll_back(stage, Wire(fault))
            stage.check_answers()
            assert current(stage).version in ("1", "2")
            for _ in range(3):
                answered = answered or roll_back(stage, Wire(Fault(-1, Kind.REFUSED)))
                stage.sagemaker.pass_time()
            assert answered is not None
            assert current(stage).version == "1"
            stage.check_settled()
        except Exception as error:
            raise AssertionError(f"{fault}, {wire.calls[fault.call]}") from error


REQUESTS = 5
"""The most calls that a start or an approval takes."""


def requests(stage: Stage, wire: Wire, states: FakeStepFunctions) -> RetrainingService:
    stage.connect(wire)
    executions = Executions(Proxy(wire, "states", states), MACHINE)
    return RetrainingService(stage.repository, executions, stage.bucket, TrainingJobs(lambda: None))


@pytest.mark.parametrize("fault", [*faults(REQUESTS)])
def test_repeated_start_retrains_once(fault: Fault, counted: list[str]) -> None:
    stage, states = Stage(), FakeStepFunctions()
    for wire in (Wire(fault), Wire()):
        with suppress(Exception, Killed):
            requests(stage, wire, states).start({"task": TASK}, "me")

    started = [arn.rpartition(":")[2] for arn in states.executions]
    assert 1 <= len(started) <= 2
    stage.connect(Wire())
    assert {entry["subject"] for entry in Audit(stage.bucket).page(9, None)[0]} >= set(started)
    # The first has the lock when the second comes to it.
    first = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{started[0]}"
    stage.states.statuses[first] = "RUNNING"
    assert stage.repository.lock(TASK, first) is None
    for name in started[1:]:
        assert stage.retrain(name).end == "Skipped"
        assert counted == ["RetrainingsSkipped"]


@pytest.mark.parametrize("fault", [*faults(REQUESTS)])
def test_repeated_approval_counts_once(fault: Fault) -> None:
    stage, states = Stage(), FakeStepFunctions()
    arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:run"
    states.start_execution(MACHINE, "run", "{}")
    states.waiting.add("token")
    stage.repository.create(empty_record("run", arn, {"task": TASK}) | {"started_at": "2026"})
    stage.repository.update("run", task_token="token", waiting_for="approval")
    for wire in (Wire(fault), Wire()):
        with suppress(ClientError, ReadTimeoutError, StorageFailed, Killed, NothingToApprove):
            requests(stage, wire, states).approve("run", {"approved": True}, "me")

    stage.connect(Wire())
    assert states.answers == {"token": {"approved": True, "by": "me", "comment": ""}}
    assert {entry["act"] for entry in Audit(stage.bucket).page(9, None)[0]} == {"approve-model"}


def stop(stage: Stage, fault: Fault | None = None) -> Wire:
    """Ask to stop the retraining `run` in a new process; one call may fail."""
    wire = Wire(fault)
    stage.connect(wire)
    with suppress(ClientError, ReadTimeoutError, Killed, StorageFailed):
        stage.stopper.stop("run", "me")
    wire.function = ""
    return wire


def test_interrupted_stop_is_finished_by_repeating_it() -> None:
    stage = Stage()
    stage.begin("run")
    calls = stop(stage).calls
    assert len(calls) >= 15
    for fault in faults(len(calls)):
        stage = Stage()
        plan = stage.begin("run")
        try:
            stop(stage, fault)
            stage.check_answers()
            stop(stage)
            assert stage.states.statuses == {plan["execution"]: "ABORTED"}
            record = stage.repository.get("run")
            assert (record["status"], record["stopped_by"]) == ("stopped", "me")
            assert stage.registry.record(TASK, record["candidate"] or "")["decision"]["accepted"] is False
            assert stage.sagemaker.jobs[f"TransformJob/{plan['name']}"]["TransformJobStatus"] == "Stopped"
            assert plan["name"] not in stage.sagemaker.models
            assert {entry["act"] for entry in Audit(stage.bucket).page(9, None)[0]} == {"stop-retraining"}
            stage.check_settled()
            stage.sagemaker.slow = False
            assert stage.retrain("next").end == "Deployed"
        except Exception as error:
            raise AssertionError(f"{fault}, {calls[fault.call]}") from error
