"""Filters and orders of lists of results, and the DynamoDB queries for them. Lists never scan the table."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from chalicelib.results.table_item import HIDDEN_SHELF, INDEXED_PROBABILITY
from chalicelib.storage.items import EVERYTHING, Key, from_cursor, invalid_cursor
from chalicelib.timestamps import timestamp

LISTED = (
    "id", "task", "status", "label", "probability", "probabilities", "needs_review", "reasons", "distance",
    "model", "source", "arrival", "created_at", "classified_at", "review", "readers", "disagreement",
    "hidden", "disclaimer",
)  # fmt: skip
"""The attributes of listed results: all but the heat map, which is large and not needed in lists."""

Order = Literal["newest", "oldest", "least-sure", "most-sure"]
BY_PROBABILITY: tuple[Order, ...] = ("least-sure", "most-sure")
"""The orders that list classified results of one task only."""
_ASCENDING = ("oldest", "least-sure")

SEARCHED: Mapping[str, Sequence[str]] = {
    "id": ("id",),
    "label": ("slug",),
    "review.label": ("slug",),
    "review.reviewer": ("id",),
    "review.reviewer_name": ("id",),
    "review.comment": ("text", "id", "capital"),
}
"""Where a search looks, each with the names of the words that it looks for there; see `search_words`."""

_MAX_DIGITS = 38
"""Of a number in DynamoDB."""
_BEGINNING = "0"
"""Sorts before every timestamp."""
_END = "9999"
"""Sorts after every timestamp."""


class _Index(NamedTuple):
    """An index of the table."""

    name: str
    partition: str
    """The attribute that all results of a list have in common."""
    order: str
    """The attribute that orders them."""


@dataclass(frozen=True)
class Selection:
    """The filters and the order of a list; None does not filter."""

    task: str | None = None
    tasks: Collection[str] | None = None
    """Names of the tasks wanted, if there may be more than one."""
    label: str | None = None
    """The model's."""
    reviewed_label: str | None = None
    """The review's."""
    model: str | None = None
    """The version of the model."""
    status: str | None = None
    needs_review: bool | None = None
    reviewed: bool | None = None
    read_by: str | None = None
    """The id of a person who has read the image."""
    not_read_by: str | None = None
    """The id of a person who has not."""
    min_readers: int = 0
    """The lowest number of people who have read the image."""
    disagreement: bool | None = None
    search: str | None = None
    """A text in the id, the class, or the review."""
    since: str | None = None
    """The earliest arrival, in the format of `created_at`."""
    until: str | None = None
    """The end of arrivals, exclusive, in the format of `created_at`."""
    order: Order = "newest"
    """`BY_PROBABILITY` requires `task`."""
    hidden: bool = False
    """Whether hidden results are wanted, instead of all others."""

    def query(self, attributes: Sequence[str] = LISTED) -> dict[str, Any]:
        """The arguments of a DynamoDB Query that returns `attributes`."""
        index = self._index
        condition = f"#{index.partition} = :partition"
        values: dict[str, Any] = {":partition": self._partition}
        filters: list[str] = []
        for expression, more_values in self._filters():
            filters.append(expression)
            values |= more_values
        if self.since or self.until:
            period = "#created_at BETWEEN :since AND :until"
            values |= {":since": self._bounds[0], ":until": self._bounds[1]}
            if index.order == "created_at":
                condition += f" AND {period}"
            else:
                filters.append(period)
        named = {*attributes, *re.findall(r"#(\w+)", " ".join((condition, *filters)))}
        return {
            "IndexName": index.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(named)},
            "ExpressionAttributeValues": values,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "ScanIndexForward": self.order in _ASCENDING,
        } | ({"FilterExpression": " AND ".join(filters)} if filters else {})

    def _reader_filters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Filter expressions about the readers, each with its values.

        Items of earlier versions of this application have a review, but neither readers nor disagreement.
        """
        has_read = "(contains(#readers, {0}) OR (attribute_not_exists(#readers) AND #review.#reviewer = {0}))"
        if self.read_by is not None:
            yield has_read.format(":read_by"), {":read_by": self.read_by}
        if self.not_read_by is not None:
            yield f"NOT {has_read.format(':not_read_by')}", {":not_read_by": self.not_read_by}
        if self.min_readers:
            enough = f"attribute_exists(#readers[{self.min_readers - 1}])"
            if self.min_readers == 1:
                old = "(attribute_not_exists(#readers) AND #review <> :no_review)"
                yield f"({enough} OR {old})", {":no_review": None}
            else:
                yield enough, {}
        if self.disagreement is not None:
            missing = "" if self.disagreement else " OR attribute_not_exists(#disagreement)"
            yield f"(#disagreement = :disagreement{missing})", {":disagreement": self.disagreement}

    def key(self, result: Mapping[str, Any]) -> Key:
        """The key of a result in the queried index."""
        index = self._index
        order = result["created_at"] if index.order == "created_at" else Decimal(repr(result["probability"]))
        return {"id": result["id"], index.partition: self._partition, index.order: order}

    def start(self, cursor: str) -> Key:
        """The key after which the page of a cursor starts.

        Raises:
            InvalidRequest: if `cursor` was not made for this selection.
        """
        key, index = from_cursor(cursor), self._index
        if key.keys() != {"id", index.partition, index.order} or key[index.partition] != self._partition:
            raise invalid_cursor()
        if index.order == INDEXED_PROBABILITY:
            return key | {index.order: _probability(key[index.order])}
        first, last = self._bounds
        if first <= key[index.order] <= last:
            return key
        raise invalid_cursor()

    @property
    def _index(self) -> _Index:
        if self.order in BY_PROBABILITY:
            return _Index("by-probability", "task", INDEXED_PROBABILITY)
        name, partition = ("by-task", "task") if self.task else ("by-time", "listing")
        return _Index(name, partition, "created_at")

    @property
    def _partition(self) -> str:
        return (HIDDEN_SHELF if self.hidden else "") + (self.task or EVERYTHING)

    @property
    def _bounds(self) -> tuple[str, str]:
        """The first and the last arrival, both inclusive, as BETWEEN needs them."""
        last = _just_before(self.until) if self.until else _END
        return self.since or _BEGINNING, last

    def _filters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Filter expressions, each with its values."""
        for name in ("label", "status", "needs_review"):
            if (wanted := getattr(self, name)) is not None:
                yield f"#{name} = :{name}", {f":{name}": wanted}
        if self.tasks is not None:
            values = {f":task{number}": task for number, task in enumerate(self.tasks)}
            yield _among("task", values), values
        if self.reviewed is not None:
            yield f"#review {'<>' if self.reviewed else '='} :no_review", {":no_review": None}
        if self.reviewed_label is not None:
            yield "#review.#label = :reviewed_label", {":reviewed_label": self.reviewed_label}
        if self.model is not None:
            yield "#model.#version = :model", {":model": self.model}
        if self.search is not None:
            yield _searching(self.search)
        yield from self._reader_filters()


ALL = Selection()


def _among(attribute: str, values: Mapping[str, Any]) -> str:
    """A filter for items of which an attribute has one of some values, by their placeholders."""
    # IN needs a value. Every item of an index has its key, so that nothing has none.
    return f"#{attribute} IN ({', '.join(values)})" if values else f"attribute_not_exists(#{attribute})"


def _searching(text: str) -> tuple[str, dict[str, Any]]:
    """A filter for results with a text in their id, their class, or their review.

    DynamoDB distinguishes capitals. So comments are also searched for the text in lower case, and with a
    capital in front.
    """
    words = {f":{name}": word for name, word in search_words(text).items()}
    found = [
        f"contains(#{place.replace('.', '.#')}, :{name})"
        for place, names in SEARCHED.items()
        for name in names
    ]
    return f"({' OR '.join(found)})", words


def search_words(text: str) -> dict[str, str]:
    """The words that a search looks for, by their names in `SEARCHED`."""
    lower = " ".join(text.lower().split())
    return {"id": lower, "slug": lower.replace(" ", "-"), "text": text, "capital": lower.capitalize()}


def _probability(text: str) -> Decimal:
    """The probability in a cursor.

    Raises:
        InvalidRequest: if it is none.
    """
    try:
        if 0 <= (value := Decimal(text)) <= 1 and len(text) < _MAX_DIGITS and value.adjusted() > -_MAX_DIGITS:
            return value
    except InvalidOperation:
        pass
    raise invalid_cursor()


def _just_before(moment: str) -> str:
    return timestamp(datetime.fromisoformat(moment) - timedelta(microseconds=1))
