"""Fixtures for tests of the registry of models and of what uses it."""

import boto3
import pytest

from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from tests.registry import Overtaken
from tests.stage import BUCKET


@pytest.fixture
def bucket(cloud: None) -> DataBucket:
    return DataBucket(boto3.client("s3"), BUCKET)


@pytest.fixture
def registry(bucket: DataBucket) -> Registry:
    return Registry(bucket)


@pytest.fixture
def overtaken(cloud: None) -> tuple[Registry, Overtaken]:
    bucket = Overtaken(boto3.client("s3"), BUCKET)
    return Registry(bucket), bucket
