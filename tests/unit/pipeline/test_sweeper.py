"""Images that get stuck are finished, or quarantined."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.sweeper import MAX_TRIES, Sweeper, SweepFailed
from chalicelib.results import result_document
from chalicelib.storage.inbox import (
    event_keys,
    event_objects,
    prepared_key,
)
from tests import images
from tests.injection.faults import Interceptor
from tests.models import TASK
from tests.unit.pipeline.steps import (
    Clockwork,
    drop,
    stored_keys,
)

pytestmark = pytest.mark.usefixtures("cloud")


def test_sweeper_retries_a_stuck_image(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    dropped = drop(f"inbox/{TASK}/forgotten é.png", images.grey_file())
    pipeline.receive(dropped)
    assert clockwork.run(minutes=9) == 0
    assert clockwork.run() == 1
    (event,) = clockwork.sent
    assert list(event_objects(event)) == [dropped]
    assert event_keys(event) == [dropped.key]
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    assert clockwork.run() == 0


def test_sweeper_finds_a_file_without_an_event_within_an_hour(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    assert clockwork.run(minutes=0) == 0
    dropped = drop(f"inbox/{TASK}/silent é.png", images.grey_file())
    assert clockwork.run(minutes=50) == 0
    assert clockwork.run(minutes=61) == 1
    (event,) = clockwork.sent
    assert list(event_objects(event)) == [dropped]
    # Now the table knows it, and the list is not needed any more.
    assert clockwork.run(minutes=72) == 1


def test_sweeper_cost_does_not_grow_with_stored_images(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    clockwork.run()
    with Interceptor().active() as empty:
        clockwork.run(minutes=12)
    for number in range(20):
        drop(f"inbox/{TASK}/{number}.png", images.grey_file())
        base = result_document.received(f"{number:032x}", TASK, "drop-folder")
        pipeline.table.finish(base | {"status": result_document.CLASSIFIED})
    with Interceptor().active() as full:
        clockwork.run(minutes=13)
    assert len(full.calls) == len(empty.calls) <= 7


def ages(capsys: pytest.CaptureFixture[str]) -> list[float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["OldestUnfinishedAge"][0] for line in lines if "OldestUnfinishedAge" in line]


def test_sweeper_records_the_oldest_unfinished_age(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    clockwork = Clockwork(pipeline)
    pipeline.table.announce(
        result_document.received("0" * 32, TASK, "upload")
    )  # nothing arrived, so it is not stuck
    clockwork.run()
    dropped = drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.receive(dropped)
    clockwork.run(minutes=5)
    clockwork.run(minutes=30)
    pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, dropped.id)])
    clockwork.run(minutes=40)
    none, young, old, done = ages(capsys)
    assert (none, done) == (0, 0)
    assert 290 < young < 310
    assert 1790 < old < 1810


def test_sweeper_quarantines_after_five_tries(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    dropped = drop(f"inbox/{TASK}/stubborn.png", images.grey_file())
    pipeline.receive(dropped)
    clockwork.run(minutes=0)  # the hourly inbox check
    for _ in range(MAX_TRIES):
        clockwork.run()
    assert len(clockwork.sent) == MAX_TRIES
    assert pipeline.table.get(dropped.id)["status"] == "received"
    clockwork.run()
    assert len(clockwork.sent) == MAX_TRIES
    result = pipeline.table.get(dropped.id)
    assert (result["status"], result["reasons"][0]["code"]) == ("quarantined", "RetriesExhausted")
    assert stored_keys("inbox/") == []
    assert f"quarantine/{TASK}/{dropped.id}/stubborn.png" in stored_keys()


def test_failing_image_does_not_stop_the_sweeper(pipeline: Pipeline) -> None:
    for name in "abc":
        drop(f"inbox/{TASK}/{name}.png", images.grey_file())
    sent = []

    def send(event: dict[str, Any]) -> None:
        if "a.png" in str(event):
            raise RuntimeError("Lambda said no")
        sent.append(event)

    with pytest.raises(SweepFailed, match="1 of 3"):
        Sweeper(pipeline, send).run(datetime.now(UTC) + timedelta(minutes=11))
    assert len(sent) == 2


def test_sweeper_ignores_finished_old_and_folder_objects(pipeline: Pipeline) -> None:
    clockwork = Clockwork(pipeline)
    done = drop(f"inbox/{TASK}/done.png", images.grey_file())
    pipeline.prepare(done)
    pipeline.classify([prepared_key(TASK, done.id)])
    drop(f"inbox/{TASK}/", b"")
    assert clockwork.run() == 0
    drop(f"inbox/{TASK}/ancient.png", images.grey_file())
    assert clockwork.run(minutes=60 * 24 * 8) == 0
    assert clockwork.sent == []
