"""Filters and orders of lists of results, and the DynamoDB queries for them. Lists never scan the table."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from chalicelib.results.place import Ordered, Place, Position
from chalicelib.results.sharding import SHARDS, SHARED, Period
from chalicelib.results.table_item import HIDDEN_SHELF, INDEXED_PROBABILITY, partition
from chalicelib.storage.items import EVERYTHING, Key, invalid_cursor
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
    "review.reviewer_name": ("text", "id", "capital"),
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
    """The attribute that names the partition."""
    order: str
    """The attribute that orders results."""


class Segment(NamedTuple):
    """A part of a list whose results are in the same partitions of the index."""

    shards: tuple[str, ...]
    first: str | None = None
    """The first arrival, inclusive; None if this is the whole list, whatever orders it."""
    last: str | None = None
    """The last arrival, inclusive."""


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
    sha256: str | None = None
    """The digest of the model's graph."""
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
    unindexed: bool = False
    """Whether only results without their indexed probability are wanted, which earlier versions stored."""

    def query(
        self,
        attributes: Sequence[str] = LISTED,
        shard: str = SHARED,
        between: tuple[Ordered, Ordered] | None = None,
    ) -> dict[str, Any]:
        """The arguments of a DynamoDB Query that returns `attributes`.

        Args:
            attributes: the attributes wanted.
            shard: the partition to be read.
            between: the first and the last value, both inclusive, of what orders the list; None for all.
        """
        index = self._index
        condition = f"#{index.partition} = :partition"
        values: dict[str, Any] = {":partition": self._in_shard(self.task or EVERYTHING, shard)}
        if between is not None:
            condition += f" AND #{index.order} BETWEEN :first AND :last"
            values |= {":first": between[0], ":last": between[1]}
        filters: list[str] = []
        for expression, more_values in self._filters(shard):
            filters.append(expression)
            values |= more_values
        named = {*attributes, *re.findall(r"#(\w+)", " ".join((condition, *filters)))}
        return {
            "IndexName": index.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(named)},
            "ExpressionAttributeValues": values,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "ScanIndexForward": self.ascending,
        } | ({"FilterExpression": " AND ".join(filters)} if filters else {})

    @property
    def filtered(self) -> bool:
        """Whether a query may read items that do not belong to the list."""
        return any(True for _ in self._filters(SHARED))

    @property
    def ascending(self) -> bool:
        """Whether the list begins with the lowest value of what orders it."""
        return self.order in _ASCENDING

    @property
    def ordered_by(self) -> str:
        """The attribute that orders the list."""
        return self._index.order

    def segments(self, periods: Iterable[Period]) -> list[Segment]:
        """The parts of the list, in its order. Without sharded periods, there is one."""
        first, last = self._bounds
        spans = [] if self.hidden else [*_spans(periods, first, last)]
        if self.order in BY_PROBABILITY:
            return [Segment((SHARED, *SHARDS) if spans else (SHARED,))]
        if not spans:
            return [Segment((SHARED,), first, last) if self.since or self.until else Segment((SHARED,))]
        found: list[Segment] = []
        for since, until in spans:
            if first < since:
                found.append(Segment((SHARED,), first, _just_before(since)))
            found.append(Segment((SHARED, *SHARDS), since, min(_just_before(until), last)))
            first = until
        if first <= last:
            found.append(Segment((SHARED,), first, last))
        return found if self.ascending else found[::-1]

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

    def ends(self, segment: Segment) -> tuple[Ordered, Ordered]:
        """The least and the largest value of what orders a segment, both inclusive."""
        if self.order in BY_PROBABILITY:
            return Decimal(0), Decimal(1)
        return segment.first or _BEGINNING, segment.last or _END

    def key(self, position: Position, shard: str) -> Key:
        """The key of a position in a partition of the queried index."""
        index = self._index
        name = self._in_shard(self.task or EVERYTHING, shard)
        return {"id": position.id, index.partition: name, index.order: position.order}

    def cursor(self, place: Place) -> str:
        """The cursor of the page that begins behind a place."""
        index = self._index
        return place.cursor({index.partition: self._in_shard(self.task or EVERYTHING)}, index.order)

    def place(self, cursor: str) -> Place:
        """The place behind which the page of a cursor begins.

        Raises:
            InvalidRequest: if `cursor` was not made for this selection.
        """
        index = self._index
        wanted = {index.partition: self._in_shard(self.task or EVERYTHING)}
        return Place.of(cursor, wanted, index.order, self._ordered)

    def _ordered(self, text: str) -> Ordered:
        """What orders a result of this list, as a cursor has it."""
        if self.order in BY_PROBABILITY:
            return _probability(text)
        first, last = self._bounds
        if first <= text <= last:
            return text
        raise invalid_cursor()

    def _in_shard(self, name: str, shard: str = SHARED) -> str:
        return partition(name, shard, HIDDEN_SHELF if self.hidden else "")

    @property
    def _index(self) -> _Index:
        if self.order in BY_PROBABILITY:
            return _Index("by-probability", "task", INDEXED_PROBABILITY)
        name, partition = ("by-task", "task") if self.task else ("by-time", "listing")
        return _Index(name, partition, "created_at")

    @property
    def _bounds(self) -> tuple[str, str]:
        """The first and the last arrival, both inclusive, as BETWEEN needs them."""
        last = _just_before(self.until) if self.until else _END
        return self.since or _BEGINNING, last

    def _filters(self, shard: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Filter expressions for a partition, each with its values."""
        if self.order in BY_PROBABILITY and (self.since or self.until):
            since, until = self._bounds
            yield "#created_at BETWEEN :since AND :until", {":since": since, ":until": until}
        for name in ("label", "status", "needs_review"):
            if (wanted := getattr(self, name)) is not None:
                yield f"#{name} = :{name}", {f":{name}": wanted}
        if self.tasks is not None:
            tasks = [self._in_shard(task, shard) for task in self.tasks]
            values = {f":task{number}": task for number, task in enumerate(tasks)}
            yield _among("task", values), values
        if self.reviewed is not None:
            yield f"#review {'<>' if self.reviewed else '='} :no_review", {":no_review": None}
        if self.reviewed_label is not None:
            yield "#review.#label = :reviewed_label", {":reviewed_label": self.reviewed_label}
        if self.search is not None:
            yield _searching(self.search)
        if self.unindexed:
            yield f"attribute_not_exists(#{INDEXED_PROBABILITY})", {}
        yield from self._model_filters()
        yield from self._reader_filters()

    def _model_filters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, wanted in (("version", self.model), ("sha256", self.sha256)):
            if wanted is not None:
                yield f"#model.#{name} = :{name}", {f":{name}": wanted}


ALL = Selection()


def _among(attribute: str, values: Mapping[str, Any]) -> str:
    """A filter for items of which an attribute has one of some values, by their placeholders."""
    # IN needs a value. Every item of an index has its key, so that nothing has none.
    return f"#{attribute} IN ({', '.join(values)})" if values else f"attribute_not_exists(#{attribute})"


def _searching(text: str) -> tuple[str, dict[str, Any]]:
    """A filter for results with a text in their id, their class, or their review.

    DynamoDB distinguishes capitals. So comments, and names as earlier versions stored them, are also searched
    for the text in lower case, and with a capital in front.
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


def _spans(periods: Iterable[Period], first: str, last: str) -> Iterator[tuple[str, str]]:
    """Beginning, and end (exclusive), of the sharded times from `first` to `last`, in order and apart."""
    wanted = [
        period
        for period in sorted(periods, key=attrgetter("since"))
        if period.since <= last and period.until > first
    ]
    while wanted:
        since, until = max(wanted[0].since, first), wanted[0].until
        while wanted and wanted[0].since <= until:
            until = max(until, wanted.pop(0).until)
        yield since, until


def _just_before(moment: str) -> str:
    return timestamp(datetime.fromisoformat(moment) - timedelta(microseconds=1))
