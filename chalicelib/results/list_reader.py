"""Reads a list of results in its order, from one partition of an index or from several side by side."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from chalicelib.results.place import Ordered, Place, Position
from chalicelib.results.selection import Segment, Selection
from chalicelib.results.sharding import Period
from chalicelib.results.table_item import Item
from chalicelib.storage.items import Key


@dataclass
class _Stream:
    """What a segment of a list has in one partition."""

    shard: str
    request: dict[str, Any]
    start: Key | None
    """The key behind which the next request begins."""
    position: Position | None
    """Behind the last item that was taken, or that a filter dropped before the next one."""
    items: deque[Item] = field(default_factory=deque)
    """Read, and not taken yet."""
    ended: bool = False
    """Whether everything has been read."""

    @property
    def waiting(self) -> bool:
        """Whether a request is needed to know the next item."""
        return not self.items and not self.ended


class ListReader:
    """Reads one list. Call `read` while it is waiting, otherwise `take`, until it has ended.

    Args:
        query: DynamoDB's Query.
        selection: the list.
        periods: the sharded periods.
        attributes: the attributes wanted; each item also has `id` and what orders the list.
        place: where to begin; None for the beginning.
        limit: items that one request may read, of several partitions together four times as many or so; None
            for 1 MB each.
    """

    def __init__(
        self,
        query: Callable[..., Any],
        selection: Selection,
        periods: Sequence[Period],
        attributes: Sequence[str],
        place: Place | None = None,
        limit: int | None = None,
    ) -> None:
        self._query = query
        self._selection = selection
        self._limit = limit
        self._attributes = tuple(dict.fromkeys((*attributes, "id", selection.ordered_by)))
        self._segments = deque(selection.segments(periods))
        self._passed = {*place.positions.values()} if place else set()
        if place:
            while self._is_before(self._segments[0], place.order):
                self._segments.popleft()
        self._reached: Any = None
        self._streams: list[_Stream] = []
        self._begin_segment(place)

    @property
    def ended(self) -> bool:
        """Whether there is nothing left."""
        return not self._segments

    @property
    def waiting(self) -> bool:
        """Whether a request is needed to know the next item."""
        return any(stream.waiting for stream in self._streams)

    def read(self) -> None:
        """Read a page of each partition of which the next item is not known, side by side."""
        waiting = [stream for stream in self._streams if stream.waiting]
        if len(waiting) == 1:
            self._read(waiting[0])
        else:
            with ThreadPoolExecutor(len(waiting)) as threads:
                # Not lazily: an error must not be lost.
                list(threads.map(self._read, waiting))
        self._end_segment()

    def take(self) -> Item:
        """The next item. There is one unless the reader is waiting or has ended."""
        heads = (stream for stream in self._streams if stream.items)
        choose = min if self._selection.ascending else max
        stream = choose(heads, key=lambda stream: self._order(stream.items[0]))
        item: Item = stream.items.popleft()
        self._reached = self._order(item)
        stream.position = Position(self._reached, item["id"])
        self._pass_dropped(stream)
        self._end_segment()
        return item

    def place(self) -> Place:
        """The place behind the last item that was taken. There is one unless the reader has ended."""
        streams, reached = self._streams, self._reached
        if len(streams) == 1 and streams[0].position:
            reached = streams[0].position.order  # beyond what a filter dropped
        positions = {stream.shard: stream.position for stream in streams if stream.position}
        return Place(reached, {shard: one for shard, one in positions.items() if self._reaches(one, reached)})

    # ------------------------------------------------------------------------------------------ streams

    def _begin_segment(self, place: Place | None = None) -> None:
        segment = self._segments[0]
        first, last = self._ends(segment)
        self._reached = place.order if place else first if self._selection.ascending else last
        self._streams = [self._stream(segment, shard, place) for shard in segment.shards]

    def _stream(self, segment: Segment, shard: str, place: Place | None) -> _Stream:
        first, last = self._ends(segment)
        between = None if segment.first is None else (first, last)
        position = place.positions.get(shard) if place else None
        if position and not (self._reaches(position, self._reached) and first <= position.order <= last):
            position = None
        if place and not position:  # what has come since then, and belongs before the place, is left out
            limits = (place.order, last) if self._selection.ascending else (first, place.order)
            between = (max(first, limits[0]), min(last, limits[1]))
        request = self._selection.query(self._attributes, shard, between)
        if self._limit is not None:
            # Each shard has a small part of a page; the next ones are read when one turns out to have more.
            request["Limit"] = self._limit if len(segment.shards) == 1 else 1 + self._limit // 4
        start = self._selection.key(position, shard) if position else None
        return _Stream(shard, request, start, position)

    def _read(self, stream: _Stream) -> None:
        start = {"ExclusiveStartKey": stream.start} if stream.start else {}
        page = self._query(**stream.request, **start)
        stream.start = page.get("LastEvaluatedKey")
        stream.ended = not stream.start
        # An item whose period was unsharded meanwhile is in another partition than when it was listed.
        stream.items.extend(item for item in page["Items"] if self._position(item) not in self._passed)
        self._pass_dropped(stream)

    def _pass_dropped(self, stream: _Stream) -> None:
        if not stream.items and stream.start:
            stream.position = self._position(stream.start)

    def _end_segment(self) -> None:
        if not self.waiting and not any(stream.items for stream in self._streams):
            self._segments.popleft()
            if self._segments:
                self._begin_segment()

    def _ends(self, segment: Segment) -> tuple[Any, Any]:
        return self._selection.ends(segment)

    def _position(self, item: Item | Key) -> Position:
        return Position(self._order(item), str(item["id"]))

    def _order(self, item: Item | Key) -> Any:
        return item[self._selection.ordered_by]

    def _is_before(self, segment: Segment, order: Any) -> bool:
        first, last = self._ends(segment)
        return bool(last < order if self._selection.ascending else first > order)

    def _reaches(self, position: Position, order: Ordered) -> bool:
        ahead: Any = position.order
        return bool(ahead >= order if self._selection.ascending else ahead <= order)
