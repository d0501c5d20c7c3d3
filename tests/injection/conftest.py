"""An account that is emptied before every trial, which takes milliseconds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from moto.core.models import MockAWS

from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.pipeline import decoding
from chalicelib.results import table
from chalicelib.storage.bucket import DataBucket, Link
from tests.cloud import make_resources
from tests.injection.world import World
from tests.lambdas import download
from tests.models import TASK, write_package
from tests.policies import WATCH
from tests.stage import TABLE

type NewWorld = Callable[..., World]
"""`new_world(tables)`: a stage with these tables of the template, by default the results table."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of unused permissions when all others have used what they use."""
    items.sort(key=lambda item: item.path.name == "test_policies.py")


@pytest.fixture(autouse=True)
def _roles_allow_all_calls() -> Iterator[None]:
    """No Lambda may make a call that its role does not allow."""
    yield
    forbidden, WATCH.forbidden = WATCH.forbidden, set()
    assert forbidden == set()


@pytest.fixture
def new_world(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    """Creates an empty stage."""
    for made_once in vars(dependencies).values():
        if hasattr(made_once, "cache_clear"):
            made_once.cache_clear()
    worlds: list[World] = []

    def follow(links: Sequence[Link]) -> bytes:
        with worlds[-1].running(""):  # with the permissions of whoever made the link
            return download(dependencies.bucket(), links)

    for name in ("older", "current"):
        # A heat map of few cells, because moto is slow with numbers in items.
        write_package(tmp_path / name / TASK, cell=128, version=name)
    current, older = (Classifier({}, lambda: None, tmp_path / name) for name in ("current", "older"))
    monkeypatch.setattr(dependencies, "classifier", lambda: current)
    monkeypatch.setattr(decoding, "download", follow)
    # Each shard of unfinished images is another query, and each query fails in trials of its own: two show
    # that the others are read if one fails.
    monkeypatch.setattr(table, "_SHARDS", "01")

    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")

    def make(tables: Mapping[str, str] = MappingProxyType({"ResultsTable": TABLE})) -> World:
        MockAWS.reset(None)  # type: ignore[arg-type]
        make_resources(s3, dynamodb, tables)
        worlds.append(World(older))
        return worlds[-1]

    _watch_links(worlds, monkeypatch)
    return make


def _watch_links(worlds: list[World], monkeypatch: pytest.MonkeyPatch) -> None:
    """Links and forms have the permissions of the role that makes them."""

    def watch(name: str, operation: str) -> None:
        make = getattr(DataBucket, name)

        def watched(bucket: DataBucket, key: str, *rest: Any, **more: Any) -> Any:
            version = {"VersionId": more["version_id"]} if more.get("version_id") else {}
            worlds[-1].needs("s3", operation, {"Bucket": bucket.name, "Key": key} | version)
            return make(bucket, key, *rest, **more)

        monkeypatch.setattr(DataBucket, name, watched)

    watch("link", "GetObject")
    watch("presign_download", "GetObject")
    watch("presign_upload", "PutObject")
