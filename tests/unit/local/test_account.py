"""Clients and programs that use the emulator, whatever this machine's own configuration is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from botocore.config import Config

from local.account import environment_without_aws, root_client
from local.aws.environment import emulator_environment
from local.deployment import aws_environment

CLOSED = "http://127.0.0.1:9"
"""A proxy that does not answer. Requests through it fail."""


class Emulator(BaseHTTPRequestHandler):
    """Answers that there are no buckets."""

    def do_GET(self) -> None:
        """Answer a request."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def emulator() -> Iterator[str]:
    """The address of a server."""
    with HTTPServer(("127.0.0.1", 0), Emulator) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine behind a proxy, whose AWS configuration does not fit the emulator."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, CLOSED)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intranet.example")
    (tmp_path / "config").write_text("[default]\nuse_fips_endpoint = true\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")


@pytest.mark.parametrize("options", [{}, {"config": Config(retries={"total_max_attempts": 1})}])
def test_client_reaches_the_emulator(emulator: str, options: dict[str, Config]) -> None:
    assert root_client("s3", emulator, **options).list_buckets()["Buckets"] == []


def test_programs_reach_the_emulator(tmp_path: Path) -> None:
    for found in (environment_without_aws(), aws_environment(CLOSED), emulator_environment(tmp_path, 4566)):
        assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1"
        assert found["http_proxy"] == CLOSED  # what is installed from registries needs it
        assert found["AWS_CONFIG_FILE"] == "/dev/null"
        assert "AWS_PROFILE" not in found
