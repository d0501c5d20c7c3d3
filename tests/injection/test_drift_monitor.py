"""The daily drift check, in which each call fails in turn."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib import dependencies
from chalicelib.monitoring import drift
from chalicelib.monitoring.drift_monitor import DriftCheckFailed, DriftMonitor
from chalicelib.tasks import load_task
from tests.injection.conftest import NewWorld
from tests.injection.faults import FEW_KINDS, Call, Fault, faults
from tests.injection.test_images import Trial, check
from tests.injection.world import World
from tests.models import TASK
from tests.stage import RETRAINING_ARN
from tests.unit.monitoring.test_drift_monitor import PROFILE, UNLIKE, Stage

ANSWERS = 20
OTHER = "chest-xray"
"""A task without a model."""


class Days:
    """A stage with drifted images, checked day after day."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.world.fakes["stepfunctions:StartExecution"] = self._started
        self.started: list[str] = []
        self._stage = Stage(folder)
        self._stage.bundle(validation={"profile": PROFILE})
        self._stage.answer(range(ANSWERS), label=UNLIKE)
        self._states = boto3.client("stepfunctions")

    def _started(self, call: Call) -> dict[str, str]:
        self.started.append(call.parameters["name"])
        return {"executionArn": call.parameters["name"]}

    def _start(self, task: str, _why: str) -> str:
        name = f"{task}-{len(self.started)}"
        return str(self._states.start_execution(name=name, stateMachineArn=RETRAINING_ARN)["executionArn"])

    def look(self, fault: Fault | None = None) -> int:
        """Run the check, and return the number of its calls."""
        tasks = {name: load_task(name) for name in (TASK, OTHER)}
        monitor = DriftMonitor(
            dependencies.bucket(),
            dependencies.table(),
            dependencies.registry(),
            self._stage.bundled,
            tasks,
            self._start,
        )
        running = self.world.running("drift-monitor")
        with self.world.process(fault), running, suppress(DriftCheckFailed):
            monitor.run()
        return len(self.world.last_calls)

    def report(self, task: str) -> Any:
        """The task's drift document."""
        return json.loads(dependencies.bucket().read(f"drift/{task}.json").body)

    def forget(self) -> None:
        """Remove all traces of earlier checks."""
        self.started.clear()
        for task in (TASK, OTHER):
            dependencies.bucket().delete(f"drift/{task}.json")

    def problems(self) -> Iterator[str]:
        """The problems at the end."""
        retraining = self.report(TASK)["retraining"]
        # A kill between start and report causes another start, which the task's lock refuses.
        if not 1 <= len(self.started) <= 2 or retraining["name"] not in self.started:
            yield f"{len(self.started)} retrainings, {retraining}"
        if not self.report(TASK)["report"]["drifted"] or not self.report(OTHER)["reason"]:
            yield "a report is missing"


def test_drift_monitor_recovers(new_world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run leaves a report, and a retraining with the name in the report."""
    monkeypatch.setattr(drift, "MIN_ANSWERS", ANSWERS)
    days = Days(new_world(), tmp_path / "packages")
    calls = days.look()
    assert [*days.problems()] == []
    assert len(days.started) == 1

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            days.forget()
            days.look(fault)
            days.look()
            yield fault, "next run", [*days.problems()]

    check(calls, trials())
