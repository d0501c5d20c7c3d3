"""Files in the inbox without an event are found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.pipeline import inbox_check, quarantine
from chalicelib.pipeline.inbox_check import InboxCheck
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.sweeper import Sweeper
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.inbox import (
    event_objects,
    prepared_key,
    upload_key,
)
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import Clockwork, drop, rows, versioned

pytestmark = pytest.mark.usefixtures("cloud")


def test_file_without_an_event_may_be_replaced_after_the_sweeper_found_it(pipeline: Pipeline) -> None:
    versioned()
    first, events = drop(f"inbox/{TASK}/a.png", images.grey_file(height=100)), list[dict[str, Any]]()
    Sweeper(pipeline, events.append).run(datetime.now(UTC) + timedelta(minutes=11))
    drop(first.key, images.grey_file(height=200))
    for dropped in event_objects(events[0]):
        pipeline.prepare(dropped)
    pipeline.classify([prepared_key(TASK, first.id)])
    assert rows(pipeline.table.get(first.id)) == 100


def test_inbox_check_continues_where_it_stopped(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_check, "PAGES", 1)
    inbox = DataBucket.inbox

    def small_pages(bucket: DataBucket, after: str = "") -> Any:
        for page, _ in inbox(bucket, after):
            for dropped in page:
                yield [dropped], dropped.key

    monkeypatch.setattr(DataBucket, "inbox", small_pages)
    for name in "abc":
        drop(f"inbox/{TASK}/{name}.png", images.grey_file())
    check = InboxCheck(pipeline.bucket, pipeline.table)

    def found(minutes: float) -> list[str]:
        return [dropped.name for dropped in check.run(datetime.now(UTC) + timedelta(minutes=minutes))]

    # The last run finds no more files; the next pass starts a day after this one did.
    assert [found(minutes) for minutes in (11, 12, 13, 14)] == [["a.png"], ["b.png"], ["c.png"], []]
    assert found(23 * 60) == []
    assert found(25 * 60) == ["a.png"]


@pytest.mark.parametrize(("most", "found"), [(3, []), (4, ["a.png"])])
def test_quarantined_file_that_is_too_large_to_be_moved_is_left(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, most: int, found: list[str]
) -> None:
    monkeypatch.setattr(quarantine, "MAX_BYTES", most)
    pipeline.prepare(drop(f"inbox/{TASK}/a.png", b"text"))
    drop(f"inbox/{TASK}/a.png", b"text")
    check = InboxCheck(pipeline.bucket, pipeline.table)
    assert [dropped.name for dropped in check.run(datetime.now(UTC) + timedelta(minutes=11))] == found


def test_copy_of_an_upload_in_another_folder_is_another_image(pipeline: Pipeline) -> None:
    token = "ef" * 16
    one = drop(upload_key(TASK, token), images.grey_file())
    other = drop(upload_key("chest-xray", token), images.grey_file())
    assert one.id != other.id
    assert Clockwork(pipeline).run() == 2
