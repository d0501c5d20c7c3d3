"""Parts of batches: any call may fail, and the part is run again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.batches import part
from chalicelib.batches.locations import ARRAYS
from chalicelib.models.package import ModelPackage
from tests import images
from tests.injection.conftest import NewWorld
from tests.injection.faults import Call, Fault, faults
from tests.injection.invariant import problems
from tests.injection.test_images import Trial, check
from tests.injection.world import World
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.batches.transforms import transform
from tests.unit.pipeline.steps import stored_keys

BATCH = {
    "name": "batch-1",
    "task": TASK,
    "kind": "folder",
    "source": "archive/",
    "concurrency": 1,
    "requested_at": "2020-01-01T00:00:00Z",
}
TRIES = 3


def archived(world: World) -> dict[str, Any]:
    """Two images and a letter."""
    for number, body in enumerate((images.grey_file(), images.grey_file(height=120), b"Dear colleague,")):
        world.drop(f"archive/{number}.png", body)
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="archive/")["Contents"]
    items = [{"Key": one["Key"], "Etag": one["ETag"], "Size": one["Size"]} for one in listed]
    return {"step": "classify", "batch": BATCH, "items": items}


def prepared_before(world: World) -> dict[str, Any]:
    """Two images that an older model has classified."""
    with world.older_model():
        world.invoke("batch", archived(world))
    world.settle()
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="prepared/")["Contents"]
    again = {**BATCH, "kind": "again", "requested_at": "2999-01-01T00:00:00Z"}
    return {"step": "classify", "batch": again, "items": [{"Key": one["Key"]} for one in listed]}


@pytest.mark.parametrize(("prepare", "counted"), [(archived, 2), (prepared_before, 4)])
def test_part_recovers(
    prepare: Any, counted: int, new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "READERS", 1)  # the calls must have an order
    world = new_world()
    event = prepare(world)
    assert world.invoke("batch", event)
    calls = len(world.last_calls)
    world.settle()
    assert problems(world, 2, counted) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls):
            yield fault, "repeated", _after(fault, prepare, counted, new_world)

    check(calls, trials())


@pytest.mark.parametrize("step", ["classify", "record"])
def test_part_of_a_batch_with_a_transform_job_recovers(
    step: str, new_world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "READERS", 1)
    package = tmp_path / "current" / TASK
    world = new_world()
    assert _transformed(world, package, {}) == []
    calls = _calls(new_world(), package, step)

    def trials() -> Iterator[Trial]:
        for fault in faults(calls):
            yield fault, "repeated", _transformed(new_world(), package, {step: fault})

    check(calls, trials())


def transforming(world: World) -> dict[str, Any]:
    """A part of a batch with a transform job, before the job."""
    return {**archived(world), "batch": {**BATCH, "transform": True}}


def answered(world: World, package: Path, event: dict[str, Any]) -> dict[str, Any]:
    """The part that records what the transform job of a batch has answered."""
    transform(package)
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=ARRAYS.format("batch-1"))["Contents"]
    plan = {"images": True, "sha256": ModelPackage.load(package).sha256}
    items = [{"Key": one["Key"]} for one in listed]
    return {"step": "record", "batch": {**event["batch"], "plan": plan}, "items": items}


def _calls(world: World, package: Path, step: str) -> int:
    """The number of calls of a step."""
    event = transforming(world)
    world.invoke("batch", event)
    if step == "record":
        world.invoke("batch", answered(world, package, event))
    return len(world.last_calls)


def _transformed(world: World, package: Path, fault: Mapping[str, Fault]) -> list[str]:
    """What is not whole after a fault in a step, which is repeated."""
    event = transforming(world)
    done = _repeated(world, event, fault.get("classify"))
    done &= _repeated(world, answered(world, package, event), fault.get("record"))
    world.settle()
    world.pass_time()
    left = [key for key in stored_keys("batches/") if key.startswith("batches/batch-1/a")]
    return [*problems(world, 2, 2), *left, *([] if done else ["the part does not end"])]


def _repeated(world: World, event: dict[str, Any], fault: Fault | None) -> bool:
    """Whether a part ends that Step Functions repeats."""
    return world.invoke("batch", event, fault) or any(world.invoke("batch", event) for _ in range(TRIES - 1))


def _after(fault: Fault, prepare: Any, counted: int, new_world: NewWorld) -> list[str]:
    world = new_world()
    event = prepare(world)
    done = [world.invoke("batch", event, fault)]
    while not done[-1] and len(done) < TRIES:
        done.append(world.invoke("batch", event))
    world.settle()
    world.pass_time()
    return problems(world, 2, counted) + ([] if done[-1] else ["the part does not end"])


# --------------------------------------------------------------------------------------------- routes


class Machine:
    """Step Functions: executions by name, each started once."""

    def __init__(self, world: World) -> None:
        self.executions: dict[str, str] = {}
        world.fakes |= {
            "stepfunctions:StartExecution": self._start,
            "stepfunctions:StopExecution": self._stop,
            "stepfunctions:DescribeExecution": self._describe,
        }

    def _start(self, call: Call) -> Any:
        self.executions.setdefault(call.parameters["name"], "RUNNING")
        return {}

    def _stop(self, call: Call) -> Any:
        self.executions[call.parameters["executionArn"].rpartition(":")[2]] = "ABORTED"
        return {}

    def _describe(self, call: Call) -> Any:
        name = call.parameters["executionArn"].rpartition(":")[2]
        if name not in self.executions:
            refusal = {"Error": {"Code": "ExecutionDoesNotExist", "Message": "?"}}
            raise ClientError(refusal, "DescribeExecution")
        return {"status": self.executions[name]}


def begun(world: World) -> tuple[Machine, str]:
    """A batch that runs, and its name."""
    world.drop("archive/a.png", images.grey_file())
    machine = Machine(world)
    status, answer = world.ask("POST", "/batches", {"task": TASK, "source": "archive/"})
    assert status == 201, answer
    return machine, answer["name"]


def test_start_of_a_batch_begins_one_pass(new_world: NewWorld) -> None:
    """A request that is repeated begins another batch, which finds nothing to do."""
    world = new_world()
    begun(world)
    for fault in faults(len(world.last_calls)):
        world = new_world()
        world.drop("archive/a.png", images.grey_file())
        machine = Machine(world)
        status, answer = world.ask("POST", "/batches", {"task": TASK, "source": "archive/"}, fault)
        assert (status == 201) == (answer is not None and "name" in answer), fault
        assert len(machine.executions) <= 1, fault
        if status == 201:
            assert machine.executions == {f"{answer['name']}.1": "RUNNING"}


def test_stop_is_finished_by_repeating_it(new_world: NewWorld) -> None:
    world = new_world()
    _, name = begun(world)
    world.ask("POST", "/batches/{batch}/stop", batch=name)
    for fault in faults(len(world.last_calls)):
        world = new_world()
        machine, name = begun(world)
        world.ask("POST", "/batches/{batch}/stop", fault=fault, batch=name)
        status, answer = world.ask("POST", "/batches/{batch}/stop", batch=name)
        assert (status, answer["status"]) == (200, "stopped"), fault
        assert machine.executions == {f"{name}.1": "ABORTED"}


def test_next_pass_is_begun_by_repeating_the_request(new_world: NewWorld) -> None:
    world = new_world()
    _, name = begun(world)
    world.ask("POST", "/batches/{batch}/stop", batch=name)
    world.ask("POST", "/batches/{batch}/continue", batch=name)
    for fault in faults(len(world.last_calls)):
        world = new_world()
        machine, name = begun(world)
        world.ask("POST", "/batches/{batch}/stop", batch=name)
        world.ask("POST", "/batches/{batch}/continue", fault=fault, batch=name)
        status, answer = world.ask("POST", "/batches/{batch}/continue", batch=name)
        assert (status, answer["status"]) == (200, "running"), fault
        running = [execution for execution, state in machine.executions.items() if state == "RUNNING"]
        assert len(running) == 1, fault
