"""What talks to the running system."""

import pytest

from local.stack import LocalStack
from tests.stack.client import Client
from tests.stack.sagemaker_harness import SageMakerHarness


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    """What people and programs do with the running system."""
    return Client(stack)


@pytest.fixture(scope="session")
def harness(client: Client) -> SageMakerHarness:
    """What tests of SageMaker work with."""
    harness = SageMakerHarness(client)
    harness.set_up()
    return harness
