"""Metrics, as CloudWatch reads them out of the log."""

import json

import pytest

from chalicelib.observability import NAMESPACE, count, record
from tests.cloud import foundation
from tests.stage import ROOT


@pytest.mark.parametrize("alarm", ["QuarantinedImages", "Drift"])
def test_alarms_watch_what_is_measured(
    alarm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch takes metrics with other dimensions, even with more, for other metrics."""
    config = json.loads((ROOT / ".chalice/config.json").read_text())
    for name, value in config["environment_variables"].items():
        monkeypatch.setenv(name, value)
    watched = foundation()[alarm]["Properties"]

    record(watched["MetricName"], 1, task="x", aspect="labels")
    record(watched["MetricName"], 2)
    count(watched["MetricName"], "x")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    sets = [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in lines]
    assert sets == [[["stage", "task", "aspect"]], [["stage"]], [["stage"]], [["stage", "task"]]]
    assert [dimension["Name"] for dimension in watched["Dimensions"]] == ["stage"]
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines} == {NAMESPACE}
    assert watched["Namespace"] == NAMESPACE
