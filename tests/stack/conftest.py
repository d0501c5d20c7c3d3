"""The whole real system, once per test session, in a folder and on ports of its own."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.stack.client import Client


def free_ports() -> tuple[int, int]:
    """Two ports of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The running system; tests that stop it start it again."""
    directory: Path = tmp_path_factory.mktemp("local")
    with LocalStack(directory, *free_ports()) as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    """What people and programs do with the running system."""
    return Client(stack)
