"""Exports of any size in which each call fails in turn."""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib import dependencies
from tests.injection.conftest import NewWorld
from tests.injection.faults import Call, Fault, faults
from tests.injection.test_images import check
from tests.injection.test_uploads_and_exports import insist
from tests.injection.world import World
from tests.stepfunctions import FakeStepFunctions


def fakes(world: World) -> FakeStepFunctions:
    """Executions in a stage."""
    states = FakeStepFunctions()

    def describe(call: Call) -> Any:
        return states.describe_execution(call.parameters["executionArn"])

    def stop(call: Call) -> Any:
        states.stop_execution(**call.parameters)
        return {}

    world.fakes |= {
        "stepfunctions:StartExecution": lambda call: states.start_execution(**call.parameters),
        "stepfunctions:DescribeExecution": describe,
        "stepfunctions:StopExecution": stop,
        "stepfunctions:GetExecutionHistory": lambda _: {"events": []},
    }
    return states


def test_start_of_an_export_recovers(new_world: NewWorld) -> None:
    """A repeated request starts an export; what was interrupted before is running, or is not listed."""

    def left(fault: Fault | None) -> tuple[list[str], int]:
        world = new_world()
        states = fakes(world)
        status, answer = insist(world, "POST", "/exports", None, fault)
        calls = len(world.last_calls)
        if status == 0:
            status, answer = world.ask("POST", "/exports")
        found = [] if status == 201 else [f"the answer is {status}, {answer}"]
        with world.process():
            listed = [one["name"] for one in dependencies.exports().list("local")]
        running = [arn.rpartition(":")[2] for arn in states.executions]
        if sorted(listed) != sorted(running) or answer.get("name") not in listed:
            found.append(f"{listed} are listed, {running} are running")
        return found, calls

    found, calls = left(None)
    assert found == []
    assert calls > 3
    check(calls, ((fault, "sent again", left(fault)[0]) for fault in faults(calls)))


def test_stop_of_an_export_recovers(new_world: NewWorld) -> None:
    def left(fault: Fault | None) -> tuple[list[str], int]:
        world = new_world()
        states = fakes(world)
        name = world.ask("POST", "/exports")[1]["name"]
        status, answer = insist(world, "POST", "/exports/{export}/stop", None, fault, export=name)
        calls = len(world.last_calls)
        if status == 0:
            status, answer = world.ask("POST", "/exports/{export}/stop", export=name)
        found = [] if (status, answer["status"]) == (200, "stopped") else [f"{status}, {answer}"]
        if [one["status"] for one in states.executions.values()] != ["ABORTED"]:
            found.append("it runs")
        return found, calls

    found, calls = left(None)
    assert found == []
    check(calls, ((fault, "sent again", left(fault)[0]) for fault in faults(calls)))


def test_execution_that_expired_is_unknown(new_world: NewWorld) -> None:
    world = new_world()
    fakes(world)
    name = world.ask("POST", "/exports")[1]["name"]

    def expired(_: Call) -> Any:
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "?"}}, "DescribeExecution")

    world.fakes["stepfunctions:DescribeExecution"] = expired
    assert world.ask("GET", "/exports/{export}", export=name)[0] == 404
    assert world.ask("GET", "/exports")[1] == {"exports": []}
