"""Metrics in the log, as CloudWatch extracts them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.observability import (
    NAMESPACE,
    count,
    measure_milliseconds,
    measure_seconds,
    record,
)
from tests.stage import ROOT


@pytest.fixture
def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[dict[str, Any]]]:
    """Returns the lines printed so far, in the environment of the Lambdas."""
    config = json.loads((ROOT / ".chalice/config.json").read_text())
    for name, value in config["environment_variables"].items():
        monkeypatch.setenv(name, value)
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_dimensions_are_those_requested(printed: Callable[[], list[dict[str, Any]]]) -> None:
    """For CloudWatch, metrics with other or more dimensions are other metrics."""
    record("M", 1, task="x", aspect="labels")
    record("M", 2)
    measure_seconds("M", 3)
    count("M")
    count("M", "x")
    measure_milliseconds("M", "x", 4)

    lines = printed()

    directives = [line["_aws"]["CloudWatchMetrics"][0] for line in lines]
    assert {directive["Namespace"] for directive in directives} == {NAMESPACE}
    stage, task = [["stage"]], [["stage", "task"]]
    assert [directive["Dimensions"] for directive in directives] == [
        [["stage", "task", "aspect"]],
        *(stage, stage, stage),
        *(stage, task),
        *(stage, task),
    ]


def test_metrics_have_only_value_and_dimensions(
    printed: Callable[[], list[dict[str, Any]]],
) -> None:
    count("M", "x")

    assert [set(line) for line in printed()] == [{"_aws", "stage", "M"}, {"_aws", "stage", "task", "M"}]
