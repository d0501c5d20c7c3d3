"""The program of a Lambda worker process: load the handler, then serve one invocation after the other.

Started by local.aws.lambda_worker with the interpreter of the Lambda environment, so it uses the standard
library only. Two pipes connect it to the emulator. For each invocation, it reads one JSON line and writes
two: one before the handler runs, to confirm the request, and one with the outcome. Standard output and error
are the log of the handler.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO


class Context:
    """The context object: the second argument of a Python handler."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = os.environ["LOCAL_LAMBDA_FUNCTION_ARN"]
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out."""
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log."""
        print(message, flush=True)


def load_handler(name: str) -> Callable[[Any, Context], Any]:
    """Import the function named `module.function`."""
    module, _, function = name.rpartition(".")
    handler: Callable[[Any, Context], Any] = getattr(importlib.import_module(module), function)
    return handler


def describe(error: BaseException, request_id: str | None = None) -> dict[str, Any]:
    """Return the error in Lambda's response format, and log it in Lambda's log format."""
    stack = [line.rstrip("\n") for line in traceback.format_tb(error.__traceback__)[1:]]
    kind = type(error).__name__
    print(f"[ERROR] {kind}: {error}", "Traceback (most recent call last):", *stack, sep="\n", flush=True)
    described = {"errorMessage": str(error), "errorType": kind, "stackTrace": stack}
    return described if request_id is None else {**described, "requestId": request_id}


def serve(requests: TextIO, responses: TextIO) -> None:
    """Answer requests until the emulator closes the pipe."""

    def send(answer: dict[str, Any]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        responses.write(json.dumps(answer) + "\n")
        responses.flush()

    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:
        send({"error": {**describe(error), "errorType": "Runtime.ImportModuleError"}})
        return
    send({"ready": True})
    for line in requests:
        request = json.loads(line)
        request_id = request["request_id"]
        # If the process dies before this line, no work has been done: another one can serve the invocation.
        send({"taken": request_id})
        set_trace(request["trace_id"])
        try:
            result = handler(request["event"], Context(request_id, request["deadline"]))
        except Exception as error:
            send({"error": describe(error, request_id)})
            continue
        try:
            send({"result": result})
        except (TypeError, ValueError) as error:
            send({"error": {**describe(error, request_id), "errorType": "Runtime.MarshalError"}})


def set_trace(trace_id: str | None) -> None:
    """Set the trace header of an invocation, which tracing libraries read from the environment."""
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


if __name__ == "__main__":
    sys.path[:0] = sys.argv[3:]
    # With line buffering, a crash loses no complete log line.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    serve(os.fdopen(int(sys.argv[1])), os.fdopen(int(sys.argv[2]), "w"))
