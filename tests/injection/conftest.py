"""An account that is emptied before every trial, which takes milliseconds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import boto3
import pytest
from moto.core.models import MockAWS

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.results import table
from tests.cloud import make_resources
from tests.injection.world import World
from tests.models import TASK, write_package
from tests.stage import TABLE

type NewWorld = Callable[..., World]
"""`new_world(tables)`: a stage with these tables of the template, by default the results table."""


@pytest.fixture
def new_world(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    """Creates an empty stage."""
    for made_once in vars(dependencies).values():
        if hasattr(made_once, "cache_clear"):
            made_once.cache_clear()
    for name in ("older", "current"):
        # A heat map of few cells, because moto is slow with numbers in items.
        write_package(tmp_path / name / TASK, cell=128, version=name)
    current, older = (Classifier({}, lambda: None, tmp_path / name) for name in ("current", "older"))
    monkeypatch.setattr(dependencies, "classifier", lambda: current)
    # Each shard of unfinished images is another query, and each query fails in trials of its own: two show
    # that the others are read if one fails.
    monkeypatch.setattr(table, "_SHARDS", "01")

    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")

    def make(tables: Mapping[str, str] = MappingProxyType({"ResultsTable": TABLE})) -> World:
        MockAWS.reset(None)  # type: ignore[arg-type]
        make_resources(s3, dynamodb, tables)
        return World(older)

    return make
