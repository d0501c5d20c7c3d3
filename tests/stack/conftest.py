"""What talks to the running system."""

import pytest

from local.stack import LocalStack
from tests.stack.client import Client


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    """What people and programs do with the running system."""
    return Client(stack)
