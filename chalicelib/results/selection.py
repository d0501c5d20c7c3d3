"""Filters for lists of results, and the DynamoDB queries for them. Lists never scan the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.storage.items import EVERYTHING, Key, from_cursor, invalid_cursor
from chalicelib.timestamps import timestamp

LISTED = (
    "id", "task", "status", "label", "probability", "probabilities", "needs_review", "reasons", "distance",
    "model", "source", "arrival", "created_at", "classified_at", "review", "disclaimer",
)  # fmt: skip
"""The attributes of listed results: all but the heat map, which is large and not needed in lists."""

_BEGINNING = "0"
"""Sorts before every timestamp."""
_END = "9999"
"""Sorts after every timestamp."""


@dataclass(frozen=True)
class Selection:
    """The filters of a list; None does not filter."""

    task: str | None = None
    label: str | None = None
    status: str | None = None
    needs_review: bool | None = None
    reviewed: bool | None = None
    since: str | None = None
    """The earliest arrival, in the format of `created_at`."""
    until: str | None = None
    """The end of arrivals, exclusive, in the format of `created_at`."""
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
        """The key of a result in the queried index."""
        partition = {"task": self.task} if self.task else {"listing": EVERYTHING}
        return {"id": result["id"], "created_at": result["created_at"]} | partition

    def start(self, cursor: str) -> Key:
        """The key after which the page of a cursor starts.

        Raises:
            InvalidRequest: if `cursor` was not made for this selection.
        """
        key = from_cursor(cursor)
        first, last = self._bounds
        of_this_index = {"id", "created_at"} <= key.keys() and key == self.key(key)
        if of_this_index and first <= key["created_at"] <= last:
            return key
        raise invalid_cursor()

    @property
    def _bounds(self) -> tuple[str, str]:
        """The first and the last arrival, both inclusive, as BETWEEN needs them."""
        last = _just_before(self.until) if self.until else _END
        return self.since or _BEGINNING, last


ALL = Selection()


def _just_before(moment: str) -> str:
    return timestamp(datetime.fromisoformat(moment) - timedelta(microseconds=1))
