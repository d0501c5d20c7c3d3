"""An AWS account in this process, with the data bucket and the tables of foundation.yaml."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto import mock_aws

from tests.stage import BUCKET, RETRAININGS_TABLE, ROOT, TABLE


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values."""


def _tag(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Template.add_multi_constructor("!", _tag)


FOUNDATION = ROOT / "deploy" / "foundation.yaml"
BATCHES = ROOT / "deploy" / "batches.yaml"
RETRAINING = ROOT / "statemachine" / "template.yaml"
SITE = ROOT / "frontend" / "template.yaml"


def template(path: Path) -> dict[str, Any]:
    """A stack's template."""
    return deepcopy(_read(path))


@cache
def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(), _Template)
    return found


def foundation(section: str = "Resources") -> dict[str, Any]:
    """A section of the foundation stack's template."""
    found: dict[str, Any] = deepcopy(_read(FOUNDATION)[section])
    return found


TABLES = {"ResultsTable": TABLE, "RetrainingsTable": RETRAININGS_TABLE}
"""The logical id and the name of each table."""


@cache
def _session() -> Any:
    """One session for all tests: each new one reads the descriptions of AWS's services, which is slow."""
    return boto3.session.Session()


@cache
def _client(service: str) -> Any:
    return _session().client(service)


@contextmanager
def account() -> Iterator[None]:
    """Replace AWS with moto inside the context."""
    with mock_aws():
        boto3.DEFAULT_SESSION = _session()  # moto resets it at the end
        make_resources(_client("s3"), _client("dynamodb"))
        yield


def make_resources(s3: Any, dynamodb: Any, tables: Mapping[str, str] = TABLES) -> None:
    """Create the resources of the foundation stack that tests in this process need."""
    s3.create_bucket(Bucket=BUCKET)
    for resource, name in tables.items():
        make_table(dynamodb, resource, name)


def make_table(dynamodb: Any, resource: str, name: str) -> None:
    """Create a table of the foundation stack, which calls it `resource`."""
    table = _read(FOUNDATION)["Resources"][resource]["Properties"]  # not copied: boto3 only reads it
    dynamodb.create_table(
        TableName=name,
        BillingMode=table["BillingMode"],
        AttributeDefinitions=table["AttributeDefinitions"],
        KeySchema=table["KeySchema"],
        GlobalSecondaryIndexes=table["GlobalSecondaryIndexes"],
    )
