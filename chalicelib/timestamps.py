"""Timestamps of results, records and the API."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """A time in UTC, as ISO 8601 with microseconds and `Z`, which sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def now() -> str:
    """The current time, as `timestamp` writes it."""
    return timestamp(datetime.now(UTC))
