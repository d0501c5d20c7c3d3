"""Metrics of finished images."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.storage.inbox import (
    prepared_key,
    upload_id,
    upload_key,
)
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import (
    OLDER,
    TASK_,
    drop,
)

pytestmark = pytest.mark.usefixtures("cloud")


LONG_AGO = "2020-01-01T00:00:00.000000Z"


def latencies(capsys: pytest.CaptureFixture[str]) -> list[float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["Latency"][0] for line in lines if "Latency" in line and "task" not in line]


def test_latency_runs_from_the_arrival_of_the_file(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "ab" * 16
    announced = result_document.received(upload_id(TASK, token), TASK, "upload")
    pipeline.table.announce(announced | {"created_at": LONG_AGO})  # when the form was requested
    dropped = drop(upload_key(TASK, token), images.grey_file())
    before = datetime.now(UTC) - timedelta(seconds=100)
    pipeline.prepare(replace(dropped, time=before.isoformat()))
    pipeline.classify([prepared_key(TASK, dropped.id)])
    (latency,) = latencies(capsys)
    assert 100_000 <= latency < 150_000


def test_latency_is_never_the_age_of_an_earlier_result(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.decisions.change(first["id"], lambda result: result | {"model": OLDER, "created_at": LONG_AGO})
    pipeline.classify_now(TASK_, images.grey_file())
    assert all(latency < 60_000 for latency in latencies(capsys))


def test_latency_is_missing_without_arrival_time(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(dropped)  # an event without a time
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert latencies(capsys) == []
