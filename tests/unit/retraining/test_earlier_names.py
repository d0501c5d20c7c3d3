"""Executions of earlier releases: their events are understood, and their states shown under today's names."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.retraining import earlier_names
from chalicelib.retraining.executions import Executions
from statemachine.definition import DEFINITION
from tests.models import TASK
from tests.retraining_stage import ERROR, Stage
from tests.stage import RETRAINING_ARN
from tests.stepfunctions import FakeStepFunctions
from tests.steps import steps


def test_earlier_names_of_states_lead_to_todays() -> None:
    assert set(earlier_names.STATES.values()) <= DEFINITION["States"].keys()


def test_no_earlier_name_of_a_state_has_another_meaning_today() -> None:
    assert earlier_names.STATES.keys().isdisjoint(DEFINITION["States"])


def test_earlier_names_of_steps_lead_to_todays() -> None:
    assert set(earlier_names.STEPS.values()) <= steps().keys()
    assert earlier_names.STEPS.keys().isdisjoint(steps())


def test_history_of_an_earlier_execution_has_todays_names() -> None:
    states = FakeStepFunctions()
    executions = Executions(states, RETRAINING_ARN)
    arn = executions.start("run", {"task": "chest-xray"})
    for second, name in enumerate(("Plan", "Is it planned?", "Answer test images", "Judge", "Undo")):
        states.enter(arn, name, 2 * second)
        states.leave(arn, name, 2 * second + 1)
    states.enter(arn, "Tell: failed", 20)

    found = executions.states(arn)

    assert [(state["name"], state["exited_at"] is None) for state in found] == [
        ("Plan", False),
        ("Planned?", False),
        ("Batch inference", False),
        ("Evaluate candidate", False),
        ("Roll back", False),
        ("Notify failed", True),
    ]


@pytest.mark.parametrize(
    ("event", "translated"),
    [
        (
            {"step": "plan", "wish": {"task": "t"}, "execution": "arn", "code": "c", "commit": ""},
            {"step": "plan", "request": {"task": "t"}},
        ),
        ({"step": "close", "state": {}, "outcome": "declined"}, {"step": "finalize-declined"}),
        ({"step": "undo", "state": {"failed": "DataFailed"}}, {"step": "roll-back"}),
        ({"step": "promote", "state": {}}, {"step": "promote"}),
    ],
)
def test_event_of_an_earlier_execution_is_translated(
    event: dict[str, Any], translated: dict[str, Any]
) -> None:
    assert earlier_names.translate_event(event) == event | translated


@pytest.mark.usefixtures("cloud")
def test_steps_of_an_earlier_execution_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.register()
    state = stage.state | {"failed": "TrainingFailed", "error": ERROR}

    undone = stage.steps.run({"step": "undo", "state": state})
    closed = stage.steps.run({"step": "close", "state": state, "outcome": "rejected"})

    assert (undone["settled"], undone["subject"]) == (True, f"{TASK}: retraining failed")
    assert closed["subject"] == f"{TASK}: retraining rejected"
