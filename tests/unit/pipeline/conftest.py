"""Fixtures of these tests."""

from pathlib import Path

import boto3
import pytest

from chalicelib.models.classifier import Classifier
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks
from tests.lambdas import in_process
from tests.models import TASK, write_package
from tests.stage import BUCKET, TABLE


@pytest.fixture
def pipeline(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    write_package(tmp_path / TASK)
    classifier = Classifier({}, lambda: None, tmp_path)
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    table, decoder = ResultsTable(boto3.resource("dynamodb"), TABLE), in_process(bucket, monkeypatch)
    return Pipeline(bucket, table, classifier, load_tasks(), decoder)
