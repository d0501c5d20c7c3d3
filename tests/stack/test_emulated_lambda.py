"""Lambdas run in the emulator as on AWS, where ministack alone differs."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.stack.client import Client, wait_for
from tests.stack.functions import deployed

LOST_EVENTS = "arn:aws:sqs:us-east-1:000000000000:test-lost-events"


def act(event: Any, context: Any) -> Any:
    """Do what the event says, and return the environment."""
    import os
    import time
    from pathlib import Path

    print("acting")
    match event["do"]:
        case "raise":
            raise KeyError("asked to")
        case "sleep":
            time.sleep(300)
        case "exit":
            os._exit(3)
        case "die":
            os.kill(os.getpid(), 9)
        case "wait":
            time.sleep(0.5)
    return {
        "environment": dict(os.environ),
        "pid": os.getpid(),
        "temporary": [file.name for file in Path(os.environ["TMPDIR"]).iterdir()],
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
        "task_root": str(Path.cwd()),
    }


def test_environment_is_that_of_a_lambda(client: Client) -> None:
    with deployed(client, act, "api", timeout=100) as function:
        told, failure = function.call({"do": "tell"})

    assert failure is None
    environment = told["environment"]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "test-act-api"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["LAMBDA_TASK_ROOT"] == told["task_root"]
    assert environment["AWS_ENDPOINT_URL"] == client.stack.aws_url
    assert 10_000 < told["remaining"] <= 100_000
    assert not {"HOME", "STATE_DIR", "PYTHONPATH", "VIRTUAL_ENV"} & environment.keys()


def test_exception_is_reported_and_the_process_reused(client: Client) -> None:
    with deployed(client, act, "api") as function:
        before, _ = function.call({"do": "tell"})
        error, failure = function.call({"do": "raise"})
        after, _ = function.call({"do": "tell"})

    assert failure == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'asked to'")
    assert 'raise KeyError("asked to")' in error["stackTrace"][-1]
    assert before["pid"] == after["pid"]
    assert before["request_id"] != after["request_id"]


@pytest.mark.parametrize(
    ("do", "timeout", "kind", "message"),
    [
        ("sleep", 3, "Sandbox.Timedout", "timed out after 3.00 seconds"),
        ("exit", 60, "Runtime.ExitError", "exit status 3"),
        ("die", 60, "Runtime.ExitError", "signal: kill"),
    ],
)
def test_process_that_hangs_or_exits_is_replaced(
    client: Client, do: str, timeout: int, kind: str, message: str
) -> None:
    with deployed(client, act, "api", timeout=timeout) as function:
        error, failure = function.call({"do": do})
        told, failure_after = function.call({"do": "tell"})

    assert failure == "Unhandled"
    assert error["errorType"] == kind
    assert message in error["errorMessage"]
    assert failure_after is None
    assert told["pid"]


def test_killed_idle_processes_fail_no_invocation(client: Client) -> None:
    with deployed(client, act, "api") as function:
        told, _ = function.call({"do": "tell"})
        for _ in range(5):
            os.kill(told["pid"], signal.SIGKILL)
            # Immediately: the emulator may not have noticed yet.
            before, (told, failure) = told, function.call({"do": "tell"})

            assert failure is None, told
            assert told["pid"] != before["pid"]


def test_each_process_has_its_own_temporary_folder(client: Client) -> None:
    with deployed(client, act, "api") as function:
        told, _ = function.call({"do": "tell"})
        folder = Path(told["environment"]["TMPDIR"])
        (folder / "left behind").touch()
        function.call({"do": "die"})
        after, _ = function.call({"do": "tell"})

    assert after["environment"]["TMPDIR"] != str(folder)
    assert after["temporary"] == []
    wait_for(lambda: not folder.exists())


def test_invocation_beyond_the_reserved_concurrency_is_throttled(client: Client) -> None:
    with deployed(client, act, "api") as function:
        client.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)

        once = client.aws("lambda", config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(once.exceptions.TooManyRequestsException):
            once.invoke(FunctionName=function.name, Payload=json.dumps({"do": "tell"}))


def test_events_beyond_the_reserved_concurrency_wait_and_none_is_lost(client: Client) -> None:
    with deployed(client, act, "prepare") as function:
        client.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
        for _ in range(4):
            function.send({"do": "wait"})

        wait_for(lambda: function.starts() == 4)


@pytest.fixture
def lost_events(client: Client) -> Iterator[str]:
    """The URL of a queue for failed events."""
    sqs = client.aws("sqs")
    url = sqs.create_queue(QueueName=LOST_EVENTS.split(":")[-1])["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_event_whose_processes_die_is_kept_after_three_attempts(client: Client, lost_events: str) -> None:
    with deployed(client, act, "prepare") as function:
        client.functions.put_function_event_invoke_config(
            FunctionName=function.name, DestinationConfig={"OnFailure": {"Destination": LOST_EVENTS}}
        )
        function.send({"do": "die"})

        def lost() -> Any:
            return client.aws("sqs").receive_message(QueueUrl=lost_events).get("Messages")

        (message,) = wait_for(lost)
        assert function.starts() == 3

    assert json.loads(message["Body"])["requestPayload"] == {"do": "die"}


def test_asynchronous_invocation_is_attempted_three_times(client: Client) -> None:
    with deployed(client, act, "prepare") as function:
        function.send({"do": "raise"})

        wait_for(lambda: function.starts() == 3)
        function.send({"do": "tell"})
        wait_for(lambda: function.starts() == 4)


def test_output_is_in_the_log(client: Client) -> None:
    with deployed(client, act, "classify") as function:
        function.call({"do": "tell"})

        assert "acting" in function.log()
