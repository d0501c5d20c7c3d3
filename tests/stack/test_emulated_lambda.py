"""The emulator runs Lambdas as AWS does, where ministack alone would not."""

from typing import Any

import pytest

from tests.stack.client import Client, wait_for
from tests.stack.functions import deployed


def act(event: Any, context: Any) -> Any:
    """Do what the event says, and tell about the environment."""
    import os
    import time
    from pathlib import Path

    print("acting")
    match event["do"]:
        case "raise":
            raise KeyError("asked to")
        case "sleep":
            time.sleep(30)
        case "exit":
            os._exit(3)
    return {
        "environment": dict(os.environ),
        "pid": os.getpid(),
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
        "task_root": str(Path.cwd()),
    }


def test_the_environment_is_that_of_a_lambda(client: Client) -> None:
    with deployed(client, act, "api", timeout=7) as function:
        told, failure = function.call({"do": "tell"})

    assert failure is None
    environment = told["environment"]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "test-act-api"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["LAMBDA_TASK_ROOT"] == told["task_root"]
    assert environment["AWS_ENDPOINT_URL"] == client.stack.aws_url
    assert 6000 < told["remaining"] <= 7000
    assert not {"HOME", "STATE_DIR", "PYTHONPATH", "VIRTUAL_ENV"} & environment.keys()


def test_an_error_says_what_it_is_and_the_process_lives_on(client: Client) -> None:
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
    ("do", "kind", "message"),
    [
        ("sleep", "Sandbox.Timedout", "timed out after 1.00 seconds"),
        ("exit", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_a_process_that_hangs_or_exits_is_replaced(client: Client, do: str, kind: str, message: str) -> None:
    with deployed(client, act, "api", timeout=1) as function:
        error, failure = function.call({"do": do})
        told, failure_after = function.call({"do": "tell"})

    assert failure == "Unhandled"
    assert error["errorType"] == kind
    assert message in error["errorMessage"]
    assert failure_after is None
    assert told["pid"]


def test_an_asynchronous_call_is_tried_three_times(client: Client) -> None:
    with deployed(client, act, "prepare") as function:
        function.send({"do": "raise"})

        wait_for(lambda: function.starts() == 3)
        function.send({"do": "tell"})
        wait_for(lambda: function.starts() == 4)


def test_what_it_prints_is_in_its_log(client: Client) -> None:
    with deployed(client, act, "classify") as function:
        function.call({"do": "tell"})

        assert "acting" in function.log()
