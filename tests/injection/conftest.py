"""An account that is emptied, instead of made anew, before every trial: that takes milliseconds."""

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from moto.core.models import MockAWS

from chalicelib import aws
from chalicelib.classification import Classifier
from tests.cloud import make_resources
from tests.injection.world import World
from tests.models import TASK, write_package
from tests.stage import TABLE

type NewWorld = Callable[[], World]


@pytest.fixture
def new_world(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    """Makes a stage in which nothing has happened."""
    for made_once in vars(aws).values():
        if hasattr(made_once, "cache_clear"):
            made_once.cache_clear()
    for name in ("older", "current"):
        # A small heat map: moto takes most of its time for the numbers of an item.
        write_package(tmp_path / name / TASK, version=name, cell=64)
    current, older = (Classifier({}, lambda: None, tmp_path / name) for name in ("current", "older"))
    monkeypatch.setattr(aws, "classifier", lambda: current)

    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")

    def make() -> World:
        MockAWS.reset(None)  # type: ignore[arg-type]
        make_resources(s3, dynamodb, {"ResultsTable": TABLE})
        return World(older)

    return make
