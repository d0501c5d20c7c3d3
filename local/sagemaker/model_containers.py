"""The container of a model, for endpoints and transform jobs: it unpacks and serves the model."""

import http.client
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.containers import Container
from local.sagemaker.errors import JobFailed
from local.sagemaker.job_folder import INSIDE
from local.sagemaker.resources import Record
from local.sagemaker.storage import unpack

HOST = "127.0.0.1"
SERVER = Path(__file__).with_name("model_server.py")
PING_SECONDS = 0.1  # between two health checks
CODE = "/opt/ml/model/code"


class ContainerResponse(NamedTuple):
    """The HTTP response of a container."""

    status: int
    content_type: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300


class ModelContainer:
    """A container that serves one model. Thread-safe once it is started."""

    def __init__(
        self,
        host: ComputeHost,
        role_arn: str,
        definition: Record,
        on_line: Callable[[str], None],
        environment: Mapping[str, str],
    ) -> None:
        """Download the model and start the server; raise JobFailed if the download fails."""
        host.scratch.mkdir(parents=True, exist_ok=True)
        self._root = Path(tempfile.mkdtemp(prefix="model-", dir=host.scratch))
        self._port_file = self._root / "port"
        self._port: int | None = None
        try:
            archive = self._root / "model.tar.gz"
            host.storage(role_arn).download_file(definition["ModelDataUrl"], archive)
            unpack(archive, self._root / "model")
            archive.unlink()
        except JobFailed:
            self._remove()
            raise
        code = self._root / "model" / "code"
        own = {**definition.get("Environment", {}), **environment}
        self._container = Container(
            [str(host.python), "-u", str(SERVER), str(self._root / "model"), str(self._port_file)],
            code if code.is_dir() else self._root,
            {
                **host.environment(role_arn),
                "PYTHONPATH": str(code),
                "PYTHONUNBUFFERED": "1",
                "SAGEMAKER_SUBMIT_DIRECTORY": CODE,
                "SM_MODEL_DIR": str(self._root / "model"),
                **{name: value.replace(INSIDE, str(self._root)) for name, value in own.items()},
            },
            on_line,
        )

    @property
    def running(self) -> bool:
        """Whether the server has not ended."""
        return self._container.running

    def wait_until_healthy(self, timeout: float, wanted: Callable[[], bool] = lambda: True) -> bool:
        """Wait until the server answers `/ping` with success.

        Returns:
            False after `timeout` seconds, when the server ends, or when `wanted` returns False.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.running and wanted():
            if self._is_healthy():
                return True
            time.sleep(PING_SECONDS)
        return False

    def invoke(self, body: bytes, headers: Mapping[str, str], timeout: float) -> ContainerResponse:
        """Send one request; raise OSError if there is no response within `timeout` seconds."""
        return self._ask("POST", "/invocations", timeout, body, headers)

    def stop(self, grace: float) -> None:
        """Stop the server and remove the unpacked model. Safe to repeat."""
        self._container.terminate(grace)
        self._container.wait()
        self._remove()

    def kill(self) -> None:
        """Kill the server and remove the unpacked model."""
        self._container.kill()
        self._container.wait()
        self._remove()

    def wait(self) -> None:
        """Wait until the server has ended."""
        self._container.wait()

    def _is_healthy(self) -> bool:
        try:
            return self._ask("GET", "/ping", 2.0).ok
        except OSError:
            return False

    def _ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> ContainerResponse:
        connection = http.client.HTTPConnection(HOST, self._known_port(), timeout=timeout)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            response = connection.getresponse()
            return ContainerResponse(
                response.status, response.headers.get("Content-Type", ""), response.read()
            )
        except http.client.HTTPException as error:
            raise ConnectionError(f"the container broke the connection: {error!r}") from error
        finally:
            connection.close()

    def _known_port(self) -> int:
        if self._port is None:
            if not self._port_file.exists():
                raise ConnectionError("the server is not started")
            self._port = int(self._port_file.read_text())
        return self._port

    def _remove(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
