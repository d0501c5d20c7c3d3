"""An item of the results table: a result, and the state of the work on it."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.results.result_document import FINISHED, ListedResult, Result, completed
from chalicelib.storage.items import EVERYTHING, from_item, to_item

Item = dict[str, Any]

_HIDDEN = ("listing", "tries", "expires_at", "event", "revision", "pending", "unfinished", "unfinished_since")
"""Attributes of items that are not part of results."""


@dataclass(frozen=True)
class Entry:
    """An item of the results table."""

    result: Result
    revision: int
    """Number of the decision that this result is; see `decisions`."""
    pending: int | None
    """The revision that is being written; None if none is."""
    unfinished_since: str | None
    """When the unfinished work began, ISO 8601; None if all work is done."""
    event: dict[str, Any] | None
    """The S3 event that announced the image, while it is unfinished. Its key may name a patient."""
    tries: int
    """How often the sweeper has sent the image through again."""

    @property
    def finished(self) -> bool:
        """Whether the image has its result."""
        return self.result["status"] in FINISHED

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Entry":
        """The entry that an item holds."""
        hidden = from_item({name: item[name] for name in _HIDDEN if name in item})
        return cls(
            result_of(item),
            hidden.get("revision", 0),
            hidden.get("pending"),
            hidden.get("unfinished_since"),
            hidden.get("event"),
            hidden.get("tries", 0),
        )


def result_item(result: Result, revision: int = 0) -> Item:
    """The item that stores a finished result, or one that has just been received."""
    return to_item(result) | {"listing": EVERYTHING} | ({"revision": revision} if revision else {})


def result_of(item: Mapping[str, Any]) -> Result:
    """The result that a whole item holds."""
    return completed(listed_result(item))


def listed_result(item: Mapping[str, Any]) -> ListedResult:
    """The attributes that a query read of a result."""
    # Older results were stored without a distance.
    return cast(ListedResult, {"distance": None} | from_item(item, *_HIDDEN))


def has_expired(item: Mapping[str, Any]) -> bool:
    """Whether the place that was kept for an upload has expired; DynamoDB deletes it within days."""
    return bool(item.get("expires_at", math.inf) <= time.time())
