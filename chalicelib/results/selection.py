"""Which results a list holds, and how DynamoDB is asked for them: always a query, never a scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.storage.items import Key, foreign_cursor, from_cursor
from chalicelib.timestamps import timestamp

EVERYTHING = "all"
"""The one partition of the index over all results. At 1000 writes a second DynamoDB would slow it down."""

LISTED = (
    "id", "task", "status", "label", "probability", "probabilities", "needs_review", "reasons", "distance",
    "model", "source", "arrival", "created_at", "classified_at", "review", "disclaimer",
)  # fmt: skip
"""The attributes of listed results: all but the heat map, which is large and of no use in a list."""

_BEGINNING = "0"
"""Before every time, as text."""
_END = "9999"
"""After every time, as text."""


@dataclass(frozen=True)
class Selection:
    """What results have to be to stand in a list; None lets everything through."""

    task: str | None = None
    label: str | None = None
    status: str | None = None
    needs_review: bool | None = None
    reviewed: bool | None = None
    since: str | None = None
    """The earliest arrival, written as `created_at` is."""
    until: str | None = None
    """The arrival from which on results are left out, written as `created_at` is."""
    oldest_first: bool = False

    def query(self, attributes: Sequence[str] = LISTED) -> dict[str, Any]:
        """The arguments of a DynamoDB Query that returns `attributes`."""
        partition = "task" if self.task else "listing"
        names = {f"#{name}": name for name in attributes} | {"#partition": partition}
        values: dict[str, Any] = {":partition": self.task or EVERYTHING}
        condition = "#partition = :partition"
        if self.since or self.until:
            condition += " AND #created_at BETWEEN :since AND :until"
            names["#created_at"] = "created_at"
            values |= {":since": self._bounds[0], ":until": self._bounds[1]}
        filters = []
        for name in ("label", "status", "needs_review"):
            if (wanted := getattr(self, name)) is not None:
                filters.append(f"#{name} = :{name}")
                names[f"#{name}"] = name
                values[f":{name}"] = wanted
        if self.reviewed is not None:
            filters.append("#review <> :no_review" if self.reviewed else "#review = :no_review")
            names["#review"] = "review"
            values[":no_review"] = None
        return {
            "IndexName": "by-task" if self.task else "by-time",
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "ScanIndexForward": self.oldest_first,
        } | ({"FilterExpression": " AND ".join(filters)} if filters else {})

    def key(self, result: Mapping[str, Any]) -> Key:
        """Where a result stands in the index that is queried."""
        partition = {"task": self.task} if self.task else {"listing": EVERYTHING}
        return {"id": result["id"], "created_at": result["created_at"]} | partition

    def start(self, cursor: str) -> Key:
        """The key after which the page of a cursor begins.

        Raises:
            InvalidRequest: if `cursor` was not made for this selection.
        """
        key = from_cursor(cursor)
        first, last = self._bounds
        of_this_index = {"id", "created_at"} <= key.keys() and key == self.key(key)
        if of_this_index and first <= key["created_at"] <= last:
            return key
        raise foreign_cursor()

    @property
    def _bounds(self) -> tuple[str, str]:
        """The first and the last arrival. A key condition knows no "before", hence the microsecond."""
        last = _just_before(self.until) if self.until else _END
        return self.since or _BEGINNING, last


ALL = Selection()


def _just_before(moment: str) -> str:
    return timestamp(datetime.fromisoformat(moment) - timedelta(microseconds=1))
