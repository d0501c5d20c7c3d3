"""An item of the results table: a result, and the state of the work on it.

The values of heat maps are packed. As a list of some hundred numbers they would be most of an item, which
every write sends, number by number, and which the table and three indexes store.
"""

import math
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.results.reading import readers_of, readings_of
from chalicelib.results.result_document import DELETED, FINISHED, ListedResult, Result, completed
from chalicelib.storage.items import EVERYTHING, from_item, to_item

Item = dict[str, Any]

HIDDEN_SHELF = "hidden/"
_DELETED_SHELF = "deleted/"
"""Prefixes of the partitions of the indexes that hold hidden and deleted results. So no list, export, drift
check or training finds them, unless it asks for that partition."""

INDEXED_PROBABILITY = "indexed_probability"
"""The attribute by which an index orders classified results. All others have the probability None, which may
not be the key of an index."""

_HIDDEN = (
    *("listing", "tries", "expires_at", "event", "revision", "pending", "unfinished", "unfinished_since"),
    INDEXED_PROBABILITY,
)
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

    @property
    def lacks_document(self) -> bool:
        """Whether a request stored the result, and `results/` is yet to have it."""
        return self.finished and self.unfinished_since is not None and self.pending is None

    @property
    def deleted(self) -> bool:
        """Whether an admin has deleted the result; what was stored of the image may not be gone yet."""
        return self.result["status"] == DELETED

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


def result_item(result: Result, revision: int = 0, shard: str = "") -> Item:
    """The item that stores a finished result, or one that has just been received.

    Args:
        result: to be stored.
        revision: of the decision that it is.
        shard: what the names of its partitions end with; see `sharding`.
    """
    listing, task = (
        partition(EVERYTHING, shard, _shelf(result)),
        partition(result["task"], shard, _shelf(result)),
    )
    values: dict[str, Any] = {**result, "listing": listing, "task": task}
    if revision:
        values["revision"] = revision
    if result["probability"] is not None:
        values[INDEXED_PROBABILITY] = result["probability"]
    heatmap = values.pop("heatmap")
    packed = heatmap and {**heatmap, "values": _packed(heatmap["values"])}
    return to_item(values) | {"heatmap": packed}


def result_of(item: Mapping[str, Any]) -> Result:
    """The result that a whole item holds."""
    return completed(listed_result(item))


def listed_result(item: Mapping[str, Any]) -> ListedResult:
    """The attributes that a query read of a result."""
    if item.get("heatmap"):
        item = {**item, "heatmap": _unpacked(item["heatmap"])}
    found = from_item(item, *_HIDDEN)
    # Older results were stored without a distance, without readers and without the mark of hidden ones.
    readers: Item = {**readers_of(found["review"], readings_of(found))} if "review" in found else {}
    if "task" in found:
        found["task"] = found["task"].rpartition("/")[2].partition("#")[0]
    waiting = {"uploading": True} if "expires_at" in item else {}
    return cast(ListedResult, {"distance": None, "hidden": None} | readers | waiting | found)


def _packed(values: Sequence[float]) -> bytes:
    """Values of a heat map, which have three decimals, as compressed text."""
    return zlib.compress(" ".join(str(round(value * 1000)) for value in values).encode())


def _unpacked(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """The heat map of an item; older ones were stored with a list of values."""
    if isinstance(stored["values"], list):
        return stored
    values = zlib.decompress(bytes(stored["values"])).split()
    return {**stored, "values": [int(value) / 1000 for value in values]}


def partition(name: str, shard: str, shelf: str = "") -> str:
    """The partition of an index that holds results of one task, or of all.

    Hidden and deleted results are few at a time, and not sharded.
    """
    return shelf + name if shelf else name + shard


def _shelf(result: Result) -> str:
    if result["status"] == DELETED:
        return _DELETED_SHELF
    return HIDDEN_SHELF if result["hidden"] else ""


def has_expired(item: Mapping[str, Any]) -> bool:
    """Whether the place that was kept for an upload has expired; DynamoDB deletes it within days."""
    return bool(item.get("expires_at", math.inf) <= time.time())
