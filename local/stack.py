"""The whole system on one machine: emulator, deployed app, page and API on one origin."""

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from chalicelib.resource_names import data_bucket
from local import users
from local.account import ACCOUNT
from local.aws import lambda_environment, patching
from local.aws.environment import emulator_environment
from local.deployment import PROJECT, Deployment
from local.loopback import HOST, ask
from local.process import Process, StartFailed

LAYERS = PROJECT / ".local" / "layers"
"""Unpacked layers of Lambdas, by their contents. All emulators of this project share them."""
TRAINING_PYTHON = PROJECT / ".venv-training" / "bin" / "python"
BUCKET = data_bucket("local", ACCOUNT)
START_TIMEOUT = 120.0  # seconds that a program has to answer


class LocalStack:
    """The running system, from entering the context to leaving it. Its state in `directory` persists.

    `port` is the port of page and API, `emulator_port` that of the AWS services; `say` prints progress. With
    `login`, users have to sign in, as one of `local.users`. Starting raises StartFailed, with a message for
    the user, if it fails.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        emulator_port: int,
        say: Callable[[str], None] = print,
        *,
        login: bool = False,
    ) -> None:
        self.directory = directory.resolve()
        self.port = port
        self.emulator_port = emulator_port
        self.login = login
        self._say = say
        self._processes: list[Process] = []
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """The origin of the page; the API is below it, at /api/."""
        return f"http://localhost:{self.port}"

    @property
    def aws_url(self) -> str:
        """The address of all AWS services, for AWS_ENDPOINT_URL. Credentials: `test`, `test`."""
        return f"http://{HOST}:{self.emulator_port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of the running programs, by name."""
        return {process.name: process.pid for process in self._processes}

    def start(self) -> None:
        """Start everything. If one part does not start, stop the others."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every process, in reverse order of their start. Safe to repeat."""
        while self._processes:
            self._processes[-1].stop()
            self._processes.pop()
        if self._lock:
            self._lock.close()

    def check(self) -> None:
        """Raise StartFailed if a process has ended unexpectedly."""
        for process in self._processes:
            if not process.running:
                raise process.failure(f"The {process.name} has stopped.")

    def _start(self) -> None:
        patching.check_version()
        check_port(self.port, "PORT", "page and API")
        check_port(self.emulator_port, "EMULATOR_PORT", "AWS emulator")
        self._lock_directory()
        for log in (self.directory / "log").glob("*.log"):
            log.unlink()
        lambda_environment.make(self._log("environment"), self._say)
        self._say("Starting the AWS emulator")
        self._start_emulator()
        api_id = self._deploy()
        if self.login:
            users.seed(self.aws_url)
        self._say("Starting page and API")
        self._start_edge(api_id)

    def _lock_directory(self) -> None:
        """Lock the directory: two emulators on the same state would overwrite each other's."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(f"Another `make run` uses {self.directory}. Stop it first.") from None

    def _log(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def _start_emulator(self) -> None:
        state = self.directory / "state"
        state.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "local.aws.emulator", "--folder", state, "--layers", LAYERS),
            *("--lambda-python", lambda_environment.PYTHON, "--workers", os.cpu_count() or 2),
            *("--training-python", TRAINING_PYTHON),
            *("--site-origin", self.url),
        ]
        environment = emulator_environment(state, self.emulator_port)
        process = Process("AWS emulator", command, self._log("emulator"), environment)
        self._processes.append(process)
        wait_until_it_answers(process, self.emulator_port, "/_ministack/health")

    def _deploy(self) -> str:
        """Deploy the working tree if needed, start the Lambdas, and return the id of the REST API."""
        deployment = Deployment(self.directory, self.url, self.login)
        api_id = deployment.api_id()
        # If the emulator was killed, its state may be older than the deployment.
        if api_id is None or not self._emulator_succeeds("/api/health", host=api_name(api_id)):
            self._say("Deploying the app, as on AWS")
            api_id = deployment.deploy(self.aws_url, self._say, self._warm_up)
        self._say("Starting the Lambdas")
        if not self._warm_up():
            raise self._processes[0].failure("The Lambdas cannot be started.")
        deployment.record(api_id)
        return api_id

    def _warm_up(self) -> bool:
        """Save the emulator's state and start the Lambdas; return whether all could be started."""
        return self._emulator_succeeds("/_local/warm-up", method="POST")

    def _emulator_succeeds(self, path: str, *, method: str = "GET", host: str | None = None) -> bool:
        """Whether the emulator answers a request with success."""
        with contextlib.suppress(OSError):
            return HTTPStatus(ask(self.emulator_port, path, method=method, host=host)).is_success
        return False

    def _start_edge(self, api_id: str) -> None:
        command = [
            *(sys.executable, "-m", "local.edge"),
            *("--port", self.port, "--frontend", PROJECT / "frontend"),
            *("--api-port", self.emulator_port, "--api-name", api_name(api_id)),
        ]
        process = Process("page and API", command, self._log("edge"), dict(os.environ))
        self._processes.append(process)
        wait_until_it_answers(process, self.port, "/api/health")


def api_name(api_id: str) -> str:
    """The host name under which the emulator serves a REST API."""
    return f"{api_id}.execute-api.localhost"


def check_port(port: int, variable: str, what: str) -> None:
    """Raise StartFailed if `port`, configured by `variable` for `what`, cannot be opened."""
    advice = f"Set {variable} to a free port, for example `make run {variable}={port + 1000}`."
    for family, address in ((socket.AF_INET, HOST), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.connect((address, port))
            raise StartFailed(f"Port {port}, for the {what}, is in use by another program. {advice}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartFailed(f"Port {port}, for the {what}, cannot be opened: {error}. {advice}") from error


def wait_until_it_answers(process: Process, port: int, path: str) -> None:
    """Wait until a GET answers 200; raise StartFailed if the process ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if not process.running:
            raise process.failure(f"The {process.name} stopped during its start.")
        with contextlib.suppress(OSError):
            if ask(port, path) == HTTPStatus.OK:
                return
        time.sleep(0.05)
    raise process.failure(f"The {process.name} did not answer within {START_TIMEOUT:.0f} seconds.")
