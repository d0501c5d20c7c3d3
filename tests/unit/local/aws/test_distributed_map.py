"""Maps of the emulator in distributed mode: batches, counts and results are as AWS documents them."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import iam_actions
from ministack.services import s3, stepfunctions

from local.aws import distributed_map, step_functions

BUCKET = "archive-of-images"
ROLE = "arn:aws:iam::000000000000:role/states"
PATCHED = (
    *("_read_map_items", "_run_distributed_map", "_map_run_view", "_execute_task", "_call_lambda"),
    *("_invoke_resource_with_timeout", "_fail_execution", "_run_sub_machine", "_invoke_with_callback"),
)
READER = {
    "Resource": "arn:aws:states:::s3:listObjectsV2",
    "Parameters": {"Bucket": BUCKET, "Prefix.$": "$.prefix"},
}
WRITER = {
    "Resource": "arn:aws:states:::s3:putObject",
    "Parameters": {"Bucket": BUCKET, "Prefix.$": "$.folder"},
}

type Answer = Callable[[Any], Any]


class Machine:
    """A state machine with a Map whose child executions call a Lambda; `following` changes a second one."""

    def __init__(self, following: dict[str, Any] | None = None, **map_state: Any) -> None:
        work = {
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:000000000000:function:work",
            "End": True,
        }
        state = {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {"Work": work},
            },
            "ItemReader": READER,
            "End": True,
            **map_state,
        }
        states = {"Map": state}
        if following:
            states = {"Map": {**state, "End": False, "Next": "Second"}, "Second": {**state, **following}}
        definition = json.dumps({"StartAt": "Map", "States": states})
        request = {"name": f"map-{time.monotonic_ns()}", "definition": definition, "roleArn": ROLE}
        self._arn = ask(stepfunctions._create_state_machine, request)["stateMachineArn"]
        self.execution = ""

    def start(self, **given: Any) -> None:
        given = {"prefix": "archive/", "folder": "results", **given}
        request = {"stateMachineArn": self._arn, "input": json.dumps(given)}
        self.execution = ask(stepfunctions._start_execution, request)["executionArn"]

    def run(self, **given: Any) -> dict[str, Any]:
        """The description of an execution that has ended."""
        self.start(**given)
        return self.end()

    def end(self) -> dict[str, Any]:
        return until(lambda: self._ended())

    def _ended(self) -> dict[str, Any] | None:
        found = ask(stepfunctions._describe_execution, {"executionArn": self.execution})
        return None if found["status"] == "RUNNING" else found

    def map_run(self) -> dict[str, Any]:
        (found,) = ask(stepfunctions._list_map_runs, {"executionArn": self.execution})["mapRuns"]
        return ask(stepfunctions._describe_map_run, {"mapRunArn": found["mapRunArn"]})


def ask(operation: Callable[[Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    status, _, body = operation(request)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def until[T](probe: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (found := probe()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it does not end")


def put(key: str, body: bytes = b"x") -> None:
    s3._put_object(BUCKET, key, body, {})


def read(key: str) -> Any:
    body = s3._get_object_data(BUCKET, key)
    assert body is not None, key
    return json.loads(body)


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bucket with seven objects."""
    for name in PATCHED:
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))  # is restored at the end
    monkeypatch.setattr(iam_actions, "extract_resource_arn", iam_actions.extract_resource_arn)
    monkeypatch.setattr(stepfunctions, "_SFN_WAIT_SCALE", 0)
    step_functions.install()
    distributed_map.install()
    s3._create_bucket(BUCKET, b"")
    for number in range(7):
        put(f"archive/{number}.png")
    put("other/file.png")
    yield
    for key in [*s3._buckets[BUCKET]["objects"]]:
        s3._delete_object(BUCKET, key, {})


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Give the Lambda an answer."""

    def answer(function: Answer) -> None:
        monkeypatch.setattr(stepfunctions, "_call_lambda", lambda _function, event: function(event))

    return answer


def keys(event: Any) -> list[str]:
    return [item["Key"] for item in event["Items"]]


def test_items_are_batched_with_their_shared_input(work: Callable[[Answer], None]) -> None:
    events: list[Any] = []

    def note(event: Any) -> int:
        events.append(event)
        return len(event["Items"])

    work(note)
    machine = Machine(
        ItemBatcher={"MaxItemsPerBatch": 3, "BatchInput": {"task.$": "$.task"}}, MaxConcurrency=1
    )

    ended = machine.run(task="chest-xray")

    assert [keys(event) for event in events] == [
        [f"archive/{number}.png" for number in part] for part in ((0, 1, 2), (3, 4, 5), (6,))
    ]
    assert {event["BatchInput"]["task"] for event in events} == {"chest-xray"}
    assert json.loads(ended["output"]) == [3, 3, 1]
    counts = machine.map_run()
    assert (counts["itemCounts"]["total"], counts["itemCounts"]["succeeded"]) == (7, 7)
    assert (counts["executionCounts"]["total"], counts["executionCounts"]["succeeded"]) == (3, 3)


def test_results_are_written_by_status(work: Callable[[Answer], None]) -> None:
    def fail_last(event: Any) -> int:
        if "archive/6.png" in keys(event):
            raise stepfunctions._ExecutionError("ModelFailed", "no answer")
        return len(event["Items"])

    work(fail_last)
    machine = Machine(
        ItemBatcher={"MaxItemsPerBatch": 3},
        ResultWriter=WRITER,
        ToleratedFailurePercentage=40,
        ResultSelector={"manifest.$": "$.ResultWriterDetails.Key"},
        ResultPath="$.written",
    )

    output = json.loads(machine.run()["output"])

    assert output["prefix"] == "archive/"
    manifest = read(output["written"]["manifest"])
    files = manifest["ResultFiles"]
    assert (len(files["SUCCEEDED"]), len(files["FAILED"]), files["PENDING"]) == (1, 1, [])
    assert files["SUCCEEDED"][0]["Key"].startswith("results/")
    assert sorted(one["Output"] for one in read(files["SUCCEEDED"][0]["Key"])) == ["3", "3"]
    (failed,) = read(files["FAILED"][0]["Key"])
    assert (failed["Error"], failed["Cause"], failed["Status"]) == ("ModelFailed", "no answer", "FAILED")
    assert keys(json.loads(failed["Input"])) == ["archive/6.png"]
    assert machine.map_run()["itemCounts"]["failed"] == 1


def test_results_are_written_in_lines_if_the_writer_says_so(work: Callable[[Answer], None]) -> None:
    work(lambda event: len(event["Items"]))
    lines = WRITER | {"WriterConfig": {"Transformation": "NONE", "OutputType": "JSONL"}}
    machine = Machine(ItemBatcher={"MaxItemsPerBatch": 3}, ResultWriter=lines)

    output = json.loads(machine.run()["output"])

    manifest = read(output["ResultWriterDetails"]["Key"])
    content = s3._get_object_data(BUCKET, manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])
    assert sorted(json.loads(line)["Output"] for line in content.splitlines()) == ["1", "3", "3"]


def test_more_failures_than_are_tolerated_fail_the_execution(work: Callable[[Answer], None]) -> None:
    def fail(_event: Any) -> None:
        raise stepfunctions._ExecutionError("ModelFailed", "no answer")

    work(fail)
    machine = Machine(ItemBatcher={"MaxItemsPerBatch": 3}, ResultWriter=WRITER, ToleratedFailurePercentage=40)

    assert machine.run()["error"] == "States.ExceedToleratedFailureThreshold"
    assert machine.map_run()["status"] == "FAILED"


def test_concurrency_comes_from_the_input(work: Callable[[Answer], None]) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def count(_event: Any) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1

    work(count)
    Machine(ItemBatcher={"MaxItemsPerBatch": 1}, MaxConcurrencyPath="$.concurrency").run(concurrency=2)

    assert most == [2]


def test_stopped_execution_starts_no_more_batches(work: Callable[[Answer], None]) -> None:
    begun, go_on = threading.Event(), threading.Event()
    events: list[Any] = []

    def hang(event: Any) -> None:
        events.append(event)
        begun.set()
        go_on.wait(10)

    work(hang)
    machine = Machine(ItemBatcher={"MaxItemsPerBatch": 1}, MaxConcurrency=1, ResultWriter=WRITER)
    machine.start()
    assert begun.wait(10)
    counts = machine.map_run()["itemCounts"]
    assert (counts["running"], counts["pending"]) == (1, 6)
    ask(stepfunctions._stop_execution, {"executionArn": machine.execution})
    go_on.set()

    until(lambda: machine.map_run()["status"] == "ABORTED" or None)
    counts = machine.map_run()["itemCounts"]
    assert (counts["succeeded"], counts["aborted"], counts["failed"], counts["pending"]) == (1, 6, 0, 0)
    assert len(events) == 1
    assert machine.end()["status"] == "ABORTED"


def test_lists_of_objects_are_read(work: Callable[[Answer], None]) -> None:
    found: list[str] = []
    work(lambda event: found.extend(keys(event)))
    inventory = gzip.compress(b'"archive-of-images","archive/1.png"\n"archive-of-images","archive/2.png"\n')
    put("archive/data.csv.gz", inventory)
    manifest = {
        "fileSchema": "Bucket, Key",
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "files": [{"key": "archive/data.csv.gz"}],
    }
    put("archive/manifest.json", json.dumps(manifest).encode())
    put("archive/list.csv", b"Key\narchive/3.png\n")
    for key, config in (
        ("archive/manifest.json", {"InputType": "MANIFEST"}),
        ("archive/list.csv", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
    ):
        reader = {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": config,
            "Parameters": {"Bucket": BUCKET, "Key.$": "$.manifest"},
        }
        Machine(ItemReader=reader, ItemBatcher={"MaxItemsPerBatch": 5}).run(manifest=key)

    assert found == ["archive/1.png", "archive/2.png", "archive/3.png"]


def test_each_map_run_of_an_execution_has_its_own_counts(work: Callable[[Answer], None]) -> None:
    work(lambda event: len(event["Items"]))
    batches = {"ItemBatcher": {"MaxItemsPerBatch": 5}, "ResultPath": None}
    other = {**READER, "Parameters": {"Bucket": BUCKET, "Prefix": "other/"}}
    machine = Machine(following={**batches, "ItemReader": other, "Label": "second"}, **batches, Label="first")

    machine.run()

    runs = ask(stepfunctions._list_map_runs, {"executionArn": machine.execution})["mapRuns"]
    assert [one["mapRunArn"].rpartition("/")[2].partition(":")[0] for one in runs] == ["first", "second"]
    assert runs[0]["startDate"] <= runs[1]["startDate"]
    described = [ask(stepfunctions._describe_map_run, {"mapRunArn": one["mapRunArn"]}) for one in runs]
    assert [one["itemCounts"]["total"] for one in described] == [7, 1]
    assert [one["itemCounts"]["succeeded"] for one in described] == [7, 1]
    assert {one["status"] for one in described} == {"SUCCEEDED"}


def test_maps_without_batches_are_left_alone(work: Callable[[Answer], None]) -> None:
    work(lambda event: event["Key"])
    machine = Machine(MaxConcurrency=1)

    assert json.loads(machine.run()["output"]) == [f"archive/{number}.png" for number in range(7)]
    assert machine.map_run()["itemCounts"]["succeeded"] == 7


def test_requests_name_their_map_run() -> None:
    arn = "arn:aws:states:us-east-1:000000000000:mapRun:machine/label:1"
    headers = {"x-amz-target": "AWSStepFunctions.DescribeMapRun"}

    def extract(body: bytes) -> str:
        found = iam_actions.extract_resource_arn(
            "states", "POST", "/", headers, body, {}, "us-east-1", "000000000000"
        )
        return str(found)

    assert extract(json.dumps({"mapRunArn": arn}).encode()) == arn
    assert extract(b"no JSON") == "*"
