"""What talks to the running system."""

import pytest

from local.stack import LocalStack
from tests.stack.client import Client
from tests.stack.lab import Lab


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    """What people and programs do with the running system."""
    return Client(stack)


@pytest.fixture(scope="session")
def lab(client: Client) -> Lab:
    """What tests of SageMaker work with."""
    lab = Lab(client)
    lab.set_up()
    return lab
