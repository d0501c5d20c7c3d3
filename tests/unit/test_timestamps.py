"""Timestamps sort as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.timestamps import now, timestamp


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2026-01-02T03:04:05.000060Z"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2025-12-31T23:30:00.000000Z"),
    ],
    ids=["whole second", "microseconds", "another time zone"],
)
def test_timestamp_is_in_utc_with_microseconds(moment: datetime, written: str) -> None:
    assert timestamp(moment) == written
    assert datetime.fromisoformat(written) == moment


def test_now_sorts_after_an_earlier_now() -> None:
    first = now()
    assert first <= now() <= "9999"
    assert datetime.fromisoformat(first).utcoffset() == timedelta(0)
