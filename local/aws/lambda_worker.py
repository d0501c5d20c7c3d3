"""One Lambda execution environment: a process in a clean Python with a Lambda's environment variables."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
START_TIMEOUT = 120.0  # seconds; AWS allows 10, on machines without other load


@dataclass(frozen=True)
class Function:
    """One deployed and unpacked Lambda.

    `python` is the interpreter of the Lambda environment. `code` and `layers` are the unpacked archives.
    `environment` holds the configured variables and the credentials of the role.
    """

    name: str
    arn: str
    version: str
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: float
    python: Path
    code: Path
    layers: tuple[Path, ...]
    environment: dict[str, str]
    scratch: Path
    """The parent of each process's own folder for temporary files, its /tmp."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of an invocation: `result`, or `error` in Lambda's format, and the lines it logged."""

    result: Any
    error: dict[str, Any] | None
    log: str


class WorkerKilled(Exception):
    """The process was killed before it began to work on the invocation, so another one can serve it.

    `outcome` is the outcome if no other process serves it.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Worker:
    """A process that serves the invocations of one function, one at a time. Not thread-safe."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._log = _LogFile()
        self._pipes = _Pipes()
        function.scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.mkdtemp(dir=function.scratch)
        self._process = subprocess.Popen(
            _command(function, self._pipes),
            cwd=function.code,
            env=_environment(function) | {"TMPDIR": self._scratch},
            stdin=subprocess.DEVNULL,
            stdout=self._log.writer,
            stderr=self._log.writer,
            pass_fds=self._pipes.of_child,
        )
        self._pipes.close_ends_of_child()
        self._ready = False
        self._ended_here = False

    @property
    def alive(self) -> bool:
        """Whether the process can serve another invocation."""
        return self._process.poll() is None

    def load(self) -> Outcome | None:
        """Wait until the handler is loaded. Return the failed outcome, or None on success.

        Raises:
            WorkerKilled: if the process was killed while it loaded.
        """
        if self._ready:
            return None
        answer = self._pipes.receive(START_TIMEOUT)
        self._ready = answer == {"ready": True}
        if self._ready:
            return None
        outcome = self._end(answer["error"] if answer else self._failure(START_TIMEOUT))
        if answer is None and self._was_killed:
            raise WorkerKilled(outcome)
        return outcome

    def invoke(self, event: Any, request_id: str, trace_id: str | None) -> Outcome:
        """Run the handler on `event`. An exception leaves the worker usable; a timeout or an exit ends it.

        Raises:
            WorkerKilled: if the process was killed before the handler ran.
        """
        failed = self.load()
        if failed:
            return failed
        timeout = self.function.timeout_s
        deadline = time.monotonic() + timeout
        request = {"event": event, "request_id": request_id, "trace_id": trace_id}
        self._pipes.send({**request, "deadline": time.time() + timeout})
        taken = self._pipes.receive(timeout) is not None
        answer = self._pipes.receive(deadline - time.monotonic()) if taken else None
        if answer is None:
            error = self._failure(timeout)
            outcome = self._end({**error, "errorMessage": f"RequestId: {request_id} {error['errorMessage']}"})
            if not taken and self._was_killed:
                raise WorkerKilled(outcome)
            return outcome
        return Outcome(answer.get("result"), answer.get("error"), self._log.take())

    @property
    def _was_killed(self) -> bool:
        """Whether a signal ended the process that `_end` did not send."""
        return not self._ended_here and (self._process.returncode or 0) < 0

    def _failure(self, timeout: float) -> dict[str, Any]:
        """Lambda's error for a process that hung or exited."""
        try:
            # The pipe closes a moment before the exit status is available.
            status = describe_exit(self._process.wait(timeout=0.5))
        except subprocess.TimeoutExpired:
            message = f"Error: Task timed out after {timeout:.2f} seconds"
            return {"errorType": "Sandbox.Timedout", "errorMessage": message}
        return {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"Error: Runtime exited with error: {status}",
        }

    def _end(self, error: dict[str, Any]) -> Outcome:
        self._ended_here = self._process.poll() is None
        self._process.kill()
        self._process.wait()
        return Outcome(None, error, f"{self._log.take()}{error['errorMessage']}\n")

    def stop(self) -> None:
        """End the process; safe to repeat."""
        self._process.kill()
        self._process.wait()
        self._pipes.close()
        self._log.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def describe_exit(returncode: int) -> str:
    """Describe an exit status as Lambda does."""
    if returncode < 0:
        return f"signal: {signal.Signals(-returncode).name.removeprefix('SIG').lower()}"
    return f"exit status {returncode}"


def _command(function: Function, pipes: "_Pipes") -> list[str]:
    requests, responses = pipes.of_child
    # -P keeps the bootstrap's own folder off the import path.
    return [
        str(function.python),
        "-P",
        str(BOOTSTRAP),
        str(requests),
        str(responses),
        *_import_path(function),
    ]


def _import_path(function: Function) -> list[str]:
    """The import path in Lambda's order: the function, its layers, then the runtime."""
    in_layers = [
        str(layer / folder)
        for layer in function.layers
        for folder in (f"python/lib/{function.runtime}/site-packages", "python")
    ]
    return [str(function.code), *in_layers]


def _environment(function: Function) -> dict[str, str]:
    """The environment variables of a Lambda on AWS, without any of the emulator's."""
    return {
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[{function.version}]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": str(function.code),
        "LOCAL_LAMBDA_FUNCTION_ARN": function.arn,
        "_HANDLER": function.handler,
        **function.environment,
    }


class _Pipes:
    """Two pipes to a child process: one for requests, one for responses, one JSON value per line."""

    def __init__(self) -> None:
        requests_read, requests_write = os.pipe()
        responses_read, responses_write = os.pipe()
        self.of_child = (requests_read, responses_write)
        self._requests = os.fdopen(requests_write, "wb", buffering=0)
        self._responses = os.fdopen(responses_read, "rb", buffering=0)
        self._poll = select.poll()
        self._poll.register(self._responses, select.POLLIN)
        self._received = bytearray()

    def close_ends_of_child(self) -> None:
        """Close this process's copies of the child's ends, so that its exit closes the pipes."""
        for end in self.of_child:
            os.close(end)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message. If the child has exited, `receive` notices."""
        data = memoryview(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[self._requests.write(data) :]

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The next message; None after `timeout` seconds or when the child has closed its end."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._received:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not self._poll.poll(remaining * 1000):
                return None
            data = self._responses.read(1 << 20)
            if not data:
                return None
            self._received += data
        line, _, rest = self._received.partition(b"\n")
        self._received = rest
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        self._requests.close()
        self._responses.close()


class _LogFile:
    """The output of the child. It is complete when the child responds, so reading never has to wait."""

    def __init__(self) -> None:
        with tempfile.NamedTemporaryFile(prefix="negatoscope-lambda-") as file:
            path = Path(file.name)
            self.writer = path.open("ab")  # appending: after take(), the child continues at the new end
            self._reader = path.open("r+b")

    def take(self) -> str:
        """Return and clear what was printed since the last call."""
        self._reader.seek(0)
        text = self._reader.read().decode(errors="replace")
        self._reader.truncate(0)
        return text

    def close(self) -> None:
        self.writer.close()
        self._reader.close()
