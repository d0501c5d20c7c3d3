"""Times as results, records and the API write them."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """A time in UTC: ISO 8601 with microseconds and `Z`, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def now() -> str:
    """The current time, as `timestamp` writes it."""
    return timestamp(datetime.now(UTC))
