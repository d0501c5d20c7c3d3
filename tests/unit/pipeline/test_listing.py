"""A listing in parts, each of which continues where the last one stopped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.pipeline.listing import Listing
from chalicelib.pipeline.pipeline import Pipeline

pytestmark = pytest.mark.usefixtures("cloud")

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def pages(after: str) -> Iterator[tuple[str, str]]:
    return ((key, key) for key in "abc" if key > after)


@pytest.mark.parametrize(
    ("size", "parts", "pause"), [(2, [["a", "b"], ["c"]], DAY), (9, [["a", "b", "c"]], HOUR)]
)
def test_pass_begins_again_after_its_pause(
    pipeline: Pipeline, size: int, parts: list[list[str]], pause: timedelta
) -> None:
    listing = Listing(pipeline.bucket, "test", size, HOUR, DAY)
    assert [list(listing.run(START, pages)) for _ in (*parts, "end")] == [*parts, []]
    assert list(listing.run(START + pause / 2, pages)) == []
    assert list(listing.run(START + pause, pages)) == parts[0]


def test_part_that_was_not_consumed_comes_again(pipeline: Pipeline) -> None:
    listing = Listing(pipeline.bucket, "test", 2, HOUR, DAY)
    assert next(listing.run(START, pages)) == "a"
    assert list(listing.run(START, pages)) == ["a", "b"]
