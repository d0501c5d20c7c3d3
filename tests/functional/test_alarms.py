"""Every alarm rings when what it is there for happens, and none rings while all is well.

Each scenario brings one failure about, and names all the alarms that ring then.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib import dependencies, timestamps
from chalicelib.errors import EndpointNotReady, ModelFailed
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.monitoring import drift
from chalicelib.observability import measure_milliseconds
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.repository import empty_record
from tests import alarms, images
from tests.functional.cloudwatch import SCHEDULED, ProcessDied, World, s3_event
from tests.models import TASK
from tests.plans import PLAN
from tests.sagemaker import FakeSageMaker
from tests.stage import RETRAININGS_TABLE, TABLE
from tests.unit.statemachine.test_paths import STATES, Fails, walk

CLASSIFY = f"/tasks/{TASK}/classify"
RESULT = f"/results/{'0' * 32}"
PLAN_STEP = {"step": "plan", "request": {"task": TASK}, "execution": "arn", "code": "code", "commit": ""}

Scenario = Callable[[World], None]
SCENARIOS: dict[str, tuple[Scenario, set[str]]] = {}
"""Scenarios, and the alarms that ring."""


def rings(*names: str, called: str = "") -> Callable[[Scenario], Scenario]:
    """Register a scenario, by its name or as `called`, with the names of all alarms that ring."""

    def register(scenario: Scenario) -> Scenario:
        SCENARIOS[called or scenario.__name__.replace("_", " ")] = (scenario, set(names))
        return scenario

    return register


def sweep(world: World, minutes: int) -> None:
    """Run the sweeper as if that much time had passed."""
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    world.monkeypatch.setattr(app, "datetime", SimpleNamespace(now=lambda _zone: moment))
    world.schedule("sweep")


def classify(world: World) -> Any:
    """Classify an image through the API."""
    return world.request("POST", CLASSIFY, images.grey_file(), Content_Type="image/png")


def break_model(world: World, error: Exception) -> None:
    """Let the model fail."""

    def fail(*_: object) -> None:
        raise error

    world.monkeypatch.setattr(EmbeddedBackend, "run", fail)


# --------------------------------------------------------------------------------------- all is well


@rings()
def normal_operation(world: World) -> None:
    result = classify(world).json_body
    world.request("GET", f"/results/{result['id']}")
    world.request("PUT", f"/results/{result['id']}/review", json={"label": result["label"]})
    world.request("GET", "/results")
    world.request("GET", "/results.csv")
    world.request("GET", "/retrainings")
    world.drop(f"inbox/{TASK}/image.png", images.grey_file(height=40))
    world.schedule("drift-monitor")
    world.execution_ended("Succeeded")
    sweep(world, minutes=60)


@rings()
def client_errors(world: World) -> None:
    requests = (("GET", RESULT), ("GET", "/results?limit=x"), ("POST", "/uploads"), ("GET", "/feet"))
    for method, path in requests:
        response = world.request(method, path)
        assert response is not None
        assert response.status_code // 100 == 4


@rings()
def burst_that_waits_in_the_queue_of_lambda(world: World) -> None:
    for function in ("prepare", "classify"):
        world.throttle_lambda(function)


# --------------------------------------------------------------------------------------------- images


def lose_an_image(world: World) -> None:
    """Drop an image while S3 fails."""
    event = world.store(f"inbox/{TASK}/image.png", images.grey_file())
    world.refuse("S3")
    world.deliver("prepare", event)
    world.recover()


@rings("prepare-errors", "lost-events")
def image_that_the_sweep_sends_again(world: World) -> None:
    lose_an_image(world)
    sweep(world, minutes=20)


@rings("prepare-errors", "lost-events", "unfinished-images")
def image_that_stays_without_a_result(world: World) -> None:
    lose_an_image(world)
    sweep(world, minutes=31)


@rings("stopped-sweep")
def sweep_that_nothing_starts(world: World) -> None:
    world.wait(minutes=31)


@rings("slow-images")
def images_that_wait_long(world: World) -> None:
    for _ in range(3):
        world.wait(minutes=5)
        for minutes in (1, 11):
            measure_milliseconds("Latency", TASK, minutes * 60_000)


@rings()
def images_of_which_one_in_thirty_waits_long(world: World) -> None:
    for _ in range(3):
        world.wait(minutes=5)
        for minutes in (*[1] * 29, 11):
            measure_milliseconds("Latency", TASK, minutes * 60_000)


@rings("quarantined-images")
def file_that_is_not_an_image(world: World) -> None:
    world.drop(f"inbox/{TASK}/letter.txt", b"no image")


@rings("drift")
def out_of_distribution_images(world: World) -> None:
    world.fixture("profiled")
    world.monkeypatch.setattr(drift, "MIN_ANSWERS", 25)
    for number in range(25):
        body = images.grey_file(height=32 + number, width=32)
        world.request("POST", CLASSIFY, body, Content_Type="image/png")
    world.schedule("drift-monitor")


# ------------------------------------------------------------------------------------------------ API


@rings("internal-errors", "gateway-errors")
def table_that_fails(world: World) -> None:
    world.refuse("DynamoDB")
    world.request("GET", RESULT)


@rings("internal-errors", "gateway-errors")
def bucket_that_fails(world: World) -> None:
    world.refuse("S3")
    classify(world)


@rings("model-errors", "gateway-errors")
def model_that_fails(world: World) -> None:
    break_model(world, ModelFailed("It failed."))
    classify(world)


@rings("gateway-errors")
def endpoint_that_starts(world: World) -> None:
    break_model(world, EndpointNotReady("Try again."))
    classify(world)


@rings("endpoint-errors", "gateway-errors")
def endpoint_that_does_not_come_back(world: World) -> None:
    break_model(world, EndpointNotReady("Try again."))
    for _ in range(3):
        world.wait(minutes=5)
        classify(world)


@rings("api-errors", "gateway-errors")
def handler_that_dies(world: World) -> None:
    def die(*_: object) -> None:
        raise ProcessDied

    world.monkeypatch.setattr(ResultsTable, "get", die)
    assert world.request("GET", RESULT) is None


@rings("internal-errors", "gateway-errors")
def answer_that_is_not_json(world: World) -> None:
    world.monkeypatch.setattr(ResultsTable, "get", lambda *_: {"not": object()})
    answer = world.request("GET", RESULT)
    assert answer is not None
    assert answer.status_code == 500


@rings("api-throttles", "gateway-errors")
def api_without_concurrency(world: World) -> None:
    world.throttle_lambda("")
    world.gateway_answered(500)


@rings("slow-api")
def api_that_is_slow_for_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(3):
        world.wait(minutes=5)
        world.gateway_took(seconds=9)


@rings()
def single_answer_that_is_slow(world: World) -> None:
    world.gateway_took(seconds=20)


@rings("gateway-errors")
def gateway_that_may_not_call_the_api(world: World) -> None:
    world.gateway_answered(500)


# -------------------------------------------------------------------------------------------- Lambdas


@rings("classify-errors", "lost-events")
def prepared_images_that_cannot_be_classified(world: World) -> None:
    break_model(world, ModelFailed("It failed."))
    world.drop(f"inbox/{TASK}/image.png", images.grey_file())


@rings("sweep-errors", "lost-events")
def sweep_that_fails(world: World) -> None:
    world.refuse("S3", "DynamoDB")
    world.schedule("sweep")


@rings("drift-monitor-errors", "lost-events")
def drift_monitor_that_fails(world: World) -> None:
    world.refuse("S3", "DynamoDB")
    world.schedule("drift-monitor")


@rings("decode-errors")
def decoder_that_crashes(world: World) -> None:
    assert not world.run("decode", {})


@rings("administration-errors")
def administration_that_fails(world: World) -> None:
    assert not world.run("administration", {})


@rings("retraining-errors")
def step_of_a_retraining_that_fails(world: World) -> None:
    world.refuse("S3", "DynamoDB")
    assert not world.run("retraining", PLAN_STEP)


@rings("batch-errors")
def part_of_a_batch_that_fails(world: World) -> None:
    assert not world.run("batch", {"step": "classify"})


def queue_that_refuses_an_event(function: str, event: dict[str, Any], world: World) -> None:
    world.queue_refuses = True
    world.refuse("S3", "DynamoDB")
    world.deliver(function, event)


for _function, _event in (
    ("prepare", s3_event(f"inbox/{TASK}/image.png")),
    ("classify", s3_event(f"prepared/{TASK}/{'0' * 32}.npy")),
    ("sweep", SCHEDULED),
    ("drift-monitor", SCHEDULED),
):
    rings(f"{_function}-errors", f"{_function}-undelivered-events", called=f"queue that refuses {_function}")(
        partial(queue_that_refuses_an_event, _function, _event)
    )


def no_concurrency_for_a_quarter_of_an_hour(function: str, world: World) -> None:
    for _ in range(3):
        world.wait(minutes=5)
        world.throttle_lambda(function)


for _function in (
    "decode",
    "prepare",
    "classify",
    "sweep",
    "drift-monitor",
    "administration",
    "retraining",
    "batch",
):
    rings(f"{_function}-throttles", called=f"no concurrency for {_function}")(
        partial(no_concurrency_for_a_quarter_of_an_hour, _function)
    )


for _function, _seconds in (("decode", 90), ("classify", 50)):
    rings(f"{_function}-long-runs", called=f"long run of {_function}")(
        partial(World.lambda_took, function=_function, seconds=_seconds)
    )


@rings("busy-lambdas")
def account_whose_lambdas_are_nearly_used_up(world: World) -> None:
    for _ in range(3):
        world.wait(minutes=5)
        world.lambdas_at_once(801)


# ---------------------------------------------------------------------------------------- retrainings


def retrain(world: World, **answers: Any) -> None:
    """Run the state machine with `answers` of its tasks."""
    end = walk(answers).end
    world.execution_ended({"Succeed": "Succeeded", "Fail": "Failed"}[STATES[end]["Type"]])


@rings()
def retraining_without_improvement(world: World) -> None:
    retrain(world, **{"Record decision": {"accepted": False, "reasons": "Worse."}})


@rings("failed-retrainings")
def training_job_that_fails(world: World) -> None:
    retrain(world, Train=Fails("States.TaskFailed"))


@rings("endless-retrainings")
def retraining_that_times_out(world: World) -> None:
    world.execution_ended("TimedOut")


@rings("failed-rollback", "failed-retrainings")
def rollback_that_fails(world: World) -> None:
    retrain(world, **{"Train": Fails("States.TaskFailed"), "Roll back": Fails("Lambda.Unknown")})
    assert world.client  # from here on there is an account
    dependencies._repository().create(
        empty_record("run", "arn", {"task": TASK}) | {"started_at": timestamps.now()}
    )
    state = {"plan": PLAN | {"task": TASK}, "failed": "TrainingFailed", "error": {"Error": "E", "Cause": "C"}}
    world.monkeypatch.setattr(dependencies, "_sagemaker", lambda: FakeSageMaker())
    assert world.run("retraining", {"step": "report-failed-rollback", "state": state})


@rings()
def schedule_that_meets_a_running_retraining(world: World) -> None:
    retrain(world, Plan={"skipped": "It is being retrained."})


# --------------------------------------------------------------------------------------------- tables

READS, WRITES = ("GetItem", "Query"), ("PutItem", "UpdateItem", "DeleteItem")
REFUSED = ("internal-errors", "gateway-errors")


def throttled_reads(table: str, index: str | None, path: str, world: World) -> None:
    world.throttle_table("ReadThrottleEvents", READS, table, index)
    world.request("GET", path)


def throttled_writes(index: str | None, world: World) -> None:
    world.throttle_table("WriteThrottleEvents", WRITES, TABLE, index)
    classify(world)


def throttled_journal(index: str | None, world: World) -> None:
    world.throttle_table("WriteThrottleEvents", WRITES, RETRAININGS_TABLE, index)
    assert not world.run("retraining", PLAN_STEP)


for _table, _index, _path in (
    (TABLE, None, RESULT),
    (TABLE, "by-task", f"/results?task={TASK}"),
    (TABLE, "by-time", "/results"),
    (TABLE, "by-probability", f"/results?task={TASK}&order=least-sure"),
    (RETRAININGS_TABLE, None, "/retrainings/run"),
    (RETRAININGS_TABLE, "by-time", "/retrainings"),
):
    _name = "-".join(filter(None, (_table.removeprefix("negatoscope-test-"), _index)))
    rings(f"{_name}-throttled-reads", *REFUSED, called=f"throttled reads of {_name}")(
        partial(throttled_reads, _table, _index, _path)
    )
    _writes, _also = (
        (throttled_writes, REFUSED) if _table == TABLE else (throttled_journal, ["retraining-errors"])
    )
    rings(f"{_name}-throttled-writes", *_also, called=f"throttled writes of {_name}")(
        partial(_writes, _index)
    )


@rings("sweep-errors", "lost-events", "results-unfinished-throttled-reads")
def sweep_that_is_throttled(world: World) -> None:
    world.throttle_table("ReadThrottleEvents", READS, TABLE, "unfinished")
    world.schedule("sweep")


rings("results-unfinished-throttled-writes", *REFUSED, called="throttled writes of results-unfinished")(
    partial(throttled_writes, "unfinished")
)


# ---------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_rings_exactly_its_alarms(world: World, name: str) -> None:
    scenario, names = SCENARIOS[name]
    assert world.ringing() == set(), "before anything has happened"

    scenario(world)

    assert world.ringing() == names


def test_every_alarm_has_a_scenario() -> None:
    rung = set[str]().union(*(names for _, names in SCENARIOS.values()))
    assert rung == {alarm.name for alarm in alarms.alarms()}
