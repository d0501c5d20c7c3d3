"""A place in a list, where one page ends and the next begins, and its cursor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from chalicelib.results.sharding import SHARDS, SHARED
from chalicelib.storage.items import from_cursor, invalid_cursor, to_cursor

Ordered = str | Decimal
"""What orders a list: the time of arrival, or the probability."""

_SHARED_NAME = "#"
"""What cursors of sharded lists call the partition `SHARED`."""


class Position(NamedTuple):
    """A place in one partition of an index: behind this item."""

    order: Ordered
    id: str


@dataclass(frozen=True)
class Place:
    """A place in a list."""

    order: Ordered
    """Everything before this value is behind the place, and nothing after it, except as `positions` say."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    """By shard, what has been read of the partition, if that reaches `order` or goes beyond."""

    def cursor(self, partition: Mapping[str, str], order: str) -> str:
        """The place as a cursor.

        If the list is not sharded, this is the key of an item in the index.

        Args:
            partition: name and value of the attribute that the list has in common.
            order: name of the attribute that orders the list.
        """
        texts = {**partition, order: str(self.order)}
        if self.positions.keys() == {SHARED} and self.positions[SHARED].order == self.order:
            return to_cursor({"id": self.positions[SHARED].id, **texts})
        for shard, position in self.positions.items():
            texts[shard or _SHARED_NAME] = f"{position.order} {position.id}"
        return to_cursor(texts)

    @classmethod
    def of(
        cls, cursor: str, partition: Mapping[str, str], order: str, ordered: Callable[[str], Ordered]
    ) -> "Place":
        """The place of a cursor.

        Args:
            cursor: from `cursor`.
            partition: name and value of the attribute that the list has in common.
            order: name of the attribute that orders the list.
            ordered: reads the value of that attribute.

        Raises:
            InvalidRequest: if `cursor` was not made for this list.
        """
        texts = from_cursor(cursor)
        if any(texts.pop(name, None) != value for name, value in partition.items()) or order not in texts:
            raise invalid_cursor()
        place = ordered(texts.pop(order))
        positions = {SHARED: Position(place, texts.pop("id"))} if "id" in texts else {}
        for name, text in texts.items():
            value, _, image_id = text.partition(" ")
            if name not in (_SHARED_NAME, *SHARDS) or not image_id:
                raise invalid_cursor()
            shard = SHARED if name == _SHARED_NAME else name
            positions[shard] = Position(ordered(value), image_id)
        return cls(place, positions)
