"""Fixtures of the stack tests."""

import pytest

from local.stack import LocalStack
from tests.stack.client import Client
from tests.stack.sagemaker_harness import SageMakerHarness


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    """A client of the running system."""
    return Client(stack)


@pytest.fixture(scope="session")
def harness(client: Client) -> SageMakerHarness:
    """The harness for tests of SageMaker."""
    harness = SageMakerHarness(client)
    harness.set_up()
    return harness
