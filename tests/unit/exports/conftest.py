"""Fixtures of these tests."""

import boto3
import pytest

from chalicelib.results.table import ResultsTable
from tests.stage import TABLE


@pytest.fixture
def table() -> ResultsTable:
    return ResultsTable(boto3.resource("dynamodb"), TABLE)
