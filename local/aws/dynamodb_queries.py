"""Queries of indexes in the emulator's DynamoDB that read one page only, as on AWS.

For every page, ministack sorts all items of the partition, parses the condition again for each of them, and
counts the bytes of each number: with 20,000 results, a page took a second. Can go when ministack passes
`unit/local/aws/test_dynamodb_queries.py` without it.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from ministack.services import dynamodb

from local.aws import patching
from local.aws.dynamodb import Item, StoredItem, Table

type Entry = tuple[tuple[Any, ...], tuple[Any, Any]]
"""Of an index: what orders it, and the key of the item in the table."""
type Members = dict[str, defaultdict[Any, "Partition"]]
"""Partitions by index and value of its partition key."""

_CONDITION = re.compile(r"(#\w+) = (:\w+)(?: AND (#\w+) BETWEEN (:\w+) AND (:\w+))?")
"""The conditions of which the page is found here; ministack finds that of others."""

_page: ContextVar[Members | None] = ContextVar("page", default=None)
"""The entries of the page that is being read."""


class Partition:
    """The entries of one partition of an index, in its order. Iterating gives the keys of their items."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.entries = entries or []

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (key for _, key in self.entries)

    def add(self, entry: Entry) -> None:
        """Add an entry unless it is there."""
        place = bisect_left(self.entries, entry)
        if self.entries[place : place + 1] != [entry]:
            self.entries.insert(place, entry)

    def remove(self, entry: Entry) -> None:
        """Remove an entry if it is there."""
        place = bisect_left(self.entries, entry)
        if self.entries[place : place + 1] == [entry]:
            del self.entries[place]


def install() -> None:
    """Keep indexes in order, read only a page of them, and parse each condition once."""
    for name in ("_tokenize", "_condition_syntax_error", "_number_size_bytes"):
        patching.wrap(dynamodb, name, lru_cache(maxsize=100_000))
    patching.wrap(dynamodb, "_item_size_bytes", _remembering)
    patching.replace(dynamodb, "_index_members", _members_to_read)
    patching.replace(dynamodb, "_index_item", _index_item)
    patching.wrap(dynamodb, "_query", _reading_a_page)


def _remembering(size: Callable[[Item], int]) -> Callable[[Item], int]:
    return lambda item: item.size if isinstance(item, StoredItem) else size(item)


def _reading_a_page(query: Callable[[Table], Any]) -> Callable[[Table], Any]:
    def read_page(request: Table) -> Any:
        reset = _page.set(_page_of(request))
        try:
            return query(request)
        finally:
            _page.reset(reset)

    return read_page


def _members_to_read(table: Table) -> Members:
    return _page.get() or _members(table)


def _members(table: Table) -> Members:
    members: Members | None = table.get(dynamodb._INDEX_MEMBERS)
    if members is None:
        members = {name: defaultdict(Partition) for name, _, _ in dynamodb._index_key_schemas(table)}
        for hash_key, items in table["items"].items():
            for range_key, item in items.items():
                for partition, entry in _entries(table, members, item, (hash_key, range_key)):
                    partition.entries.append(entry)
        for partitions in members.values():
            for partition in partitions.values():
                partition.entries.sort()
        table[dynamodb._INDEX_MEMBERS] = members
    return members


def _index_item(table: Table, hash_key: Any, range_key: Any, item: Item, add: bool) -> None:
    members: Members | None = table.get(dynamodb._INDEX_MEMBERS)
    if members is None:
        return
    for partition, entry in _entries(table, members, item, (hash_key, range_key)):
        (partition.add if add else partition.remove)(entry)


def _entries(
    table: Table, members: Members, item: Item, key: tuple[Any, Any]
) -> Iterator[tuple[Partition, Entry]]:
    """The entry of an item in each index that has it, with its partition."""
    for name, hashes, ranges in dynamodb._index_key_schemas(table):
        value = dynamodb._index_partition(item, hashes, ranges)
        if value is not None:
            yield members[name][value], (_order(table, ranges, item), key)


def _order(table: Table, ranges: list[str], values: Item) -> tuple[Any, ...]:
    keys = dynamodb._index_order_keys(table, ranges)
    return tuple(dynamodb._index_order_value(values, name, kind) for name, kind in keys)


def _page_of(request: Table) -> Members | None:
    """The entries of the page that a query asks for; None if its condition is not a usual one of an index.

    The entry after the page is among them: it tells ministack that there are more.
    """
    table, index_name = dynamodb._tables.get(request.get("TableName")), request.get("IndexName")
    condition = _CONDITION.fullmatch(request.get("KeyConditionExpression") or "")
    if not table or not condition or index_name not in (members := _members(table)):
        return None
    names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
    hashes, ranges = dynamodb._index_key_lists(dynamodb._index_def(table, index_name))
    partition_name, partition_value, range_name, *period = condition.groups()
    if [names[partition_name]] != hashes or (range_name and [names[range_name]] != ranges):
        return None
    value = dynamodb._extract_key_val(values[partition_value])
    entries = members[index_name][value].entries if value in members[index_name] else []
    bounds = [values[name] for name in period] if range_name else None
    wanted = [entries[place] for place in _places(table, ranges, entries, bounds, request)]
    items = (table["items"][hash_key][range_key] for _, (hash_key, range_key) in wanted)
    page, _ = dynamodb._paginate_evaluated_items(items, request.get("Limit"), table, index_name)
    return {index_name: defaultdict(Partition, {value: Partition(wanted[: len(page) + 1])})}


def _places(
    table: Table, ranges: list[str], entries: list[Entry], bounds: list[Item] | None, request: Table
) -> range:
    """Where the entries are that a query wants, from its cursor on."""
    first, end = 0, len(entries)
    if bounds:
        kind = dynamodb._get_attr_type(table, ranges[0])
        least, most = (dynamodb._sort_key_value(bound, kind) for bound in bounds)
        first = bisect_left(entries, least, key=_by_range)
        end = bisect_right(entries, most, key=_by_range)
    forward = request.get("ScanIndexForward", True)
    if start := request.get("ExclusiveStartKey"):
        cursor = _order(table, ranges, start)
        if forward:
            first = max(first, bisect_right(entries, cursor, key=_by_order))
        else:
            end = min(end, bisect_left(entries, cursor, key=_by_order))
    return range(first, end) if forward else range(end - 1, first - 1, -1)


def _by_order(entry: Entry) -> tuple[Any, ...]:
    return entry[0]


def _by_range(entry: Entry) -> Any:
    return entry[0][0]
