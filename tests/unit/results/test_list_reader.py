"""Lists of results that are spread over several partitions, compared with a plain sorted list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest
from chalicelib.limits import MAX_CURSOR
from chalicelib.results import result_queries
from chalicelib.results.place import Place, Position
from chalicelib.results.selection import Order, Selection
from chalicelib.results.sharding import SHARDS, Period
from chalicelib.storage.items import to_cursor
from tests.unit.results.index_stub import IndexStub, order_of, queries
from tests.unit.results.items import classified, ids, second

TASK = "mammography-views"
EVERY_MOMENT = st.integers(0, 40)


@dataclass(frozen=True)
class Stored:
    """A result and the place where a writer stored it."""

    number: int
    at: int
    """Second of its arrival."""
    probability: float
    label: str
    late: bool
    """Whether its writer did not know of a sharded period."""

    def store(self, stub: IndexStub, periods: Sequence[Period]) -> None:
        sharded = not self.late and any(period.covers(second(self.at)) for period in periods)
        result = classified(
            self.number, created_at=second(self.at), probability=self.probability, label=self.label
        )
        stub.store(result, SHARDS[self.number % len(SHARDS)] if sharded else "")


def stored(at: st.SearchStrategy[int] = EVERY_MOMENT) -> st.SearchStrategy[list[Stored]]:
    one = st.tuples(at, st.sampled_from((0.1, 0.25, 0.5, 1.0)), st.sampled_from("ab"), st.booleans())
    return st.lists(one, max_size=40).map(
        lambda found: [Stored(number, *values) for number, values in enumerate(found)]
    )


PERIODS = st.lists(st.tuples(EVERY_MOMENT, EVERY_MOMENT).filter(lambda one: one[0] < one[1]), max_size=3).map(
    lambda found: [Period(second(since), second(until)) for since, until in found]
)
TIMES = st.tuples(st.integers(-1, 40), st.integers(0, 41)).filter(lambda one: one[0] < one[1])
"""First second and end; -1 and 41 are none."""


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    order: Order = draw(st.sampled_from(("newest", "oldest", "least-sure", "most-sure")))
    since, until = draw(TIMES)
    return Selection(
        task=TASK if order in ("least-sure", "most-sure") or draw(st.booleans()) else None,
        label=draw(st.sampled_from((None, "a"))),
        order=order,
        since=second(since) if since >= 0 else None,
        until=second(until) if until <= 40 else None,
    )


def wanted(selection: Selection, found: Sequence[Stored]) -> list[Stored]:
    return [
        one
        for one in found
        if selection.label in (None, one.label)
        and (selection.since or "") <= second(one.at) < (selection.until or "~")
    ]


def walk(
    stub: IndexStub,
    periods: Callable[[], Sequence[Period]],
    selection: Selection,
    limit: int,
    meanwhile: Callable[[], Any] = lambda: None,
) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(1000):
        page, cursor = queries(stub, *periods()).page(selection, limit, cursor)
        assert len(page) <= limit
        found += [one["id"] for one in page]
        if cursor is None:
            return found
        assert len(cursor) <= MAX_CURSOR
        meanwhile()
    raise AssertionError("the list does not end")


def check_order(stub: IndexStub, selection: Selection, found: Sequence[str]) -> None:
    by_probability = selection.order in ("least-sure", "most-sure")
    order = [order_of(stub.items[one], by_probability) for one in found]
    assert order == sorted(order, reverse=selection.order in ("newest", "most-sure"))
    assert len(found) == len({*found}), "repeated"


@pytest.fixture(autouse=True, scope="module")
def small_reads() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result_queries, "_FILTERED_READ", 3)
        patch.setattr(result_queries, "_MAX_READS", 2)
        yield


@settings(max_examples=300, deadline=None)
@given(stored(), PERIODS, selections(), st.integers(1, 7))
def test_pages_are_the_sorted_list(
    found: list[Stored], periods: list[Period], selection: Selection, limit: int
) -> None:
    stub = IndexStub()
    for one in found:
        one.store(stub, periods)

    listed = walk(stub, lambda: periods, selection, limit)

    check_order(stub, selection, listed)
    assert {*listed} == {*ids(*(one.number for one in wanted(selection, found)))}
    assert [one["id"] for one in queries(stub, *periods).every(selection)] == listed


@settings(max_examples=200, deadline=None)
@given(stored(), stored(), PERIODS, selections(), st.integers(1, 7))
def test_pages_have_no_gap_and_no_repetition_while_results_arrive(
    found: list[Stored], more: list[Stored], periods: list[Period], selection: Selection, limit: int
) -> None:
    stub = IndexStub()
    for one in found:
        one.store(stub, periods)
    arriving = [Stored(100 + one.number, one.at, one.probability, one.label, one.late) for one in more]
    left = list(arriving)

    def meanwhile() -> None:
        if left:
            left.pop().store(stub, periods)

    listed = walk(stub, lambda: periods, selection, limit, meanwhile)

    check_order(stub, selection, listed)
    expected = {*ids(*(one.number for one in wanted(selection, found)))}
    assert expected <= {*listed} <= expected | {*ids(*(one.number for one in wanted(selection, arriving)))}


@settings(max_examples=200, deadline=None)
@given(stored(), PERIODS, selections(), st.integers(1, 7), st.integers(0, 3), st.integers(41, 50))
def test_pages_go_on_when_a_period_opens(
    found: list[Stored], periods: list[Period], selection: Selection, limit: int, pages: int, opens: int
) -> None:
    """The cursor of a list without sharded results stays valid."""
    stub, known, turns = IndexStub(), list(periods), 0
    for one in found:
        one.store(stub, periods)

    def meanwhile() -> None:
        nonlocal turns
        turns += 1
        if turns == pages:
            known.append(Period(second(opens), second(opens + 5)))
            Stored(100, opens + 1, 0.7, "a", late=False).store(stub, known)

    listed = walk(stub, lambda: known, selection, limit, meanwhile)

    check_order(stub, selection, listed)
    assert {*listed} - {*ids(100)} == {*ids(*(one.number for one in wanted(selection, found)))}


@settings(max_examples=200, deadline=None)
@given(
    st.sets(EVERY_MOMENT),
    PERIODS,
    st.sampled_from(("newest", "oldest")),
    st.integers(1, 7),
    st.integers(0, 5),
)
def test_pages_go_on_when_results_are_unsharded(
    moments: set[int], periods: list[Period], order: Order, limit: int, pages: int
) -> None:
    stub, known, turns = IndexStub(), list(periods), 0
    found = [Stored(at, at, 0.5, "a", late=False) for at in moments]
    for one in found:
        one.store(stub, periods)

    def meanwhile() -> None:
        nonlocal turns
        turns += 1
        if turns == pages:
            known.clear()
            for one in found:
                one.store(stub, ())

    listed = walk(stub, lambda: known, Selection(order=order), limit, meanwhile)

    assert listed == ids(*sorted(moments, reverse=order == "newest"))


PERIOD = Period(second(10), second(20))


def sharded() -> IndexStub:
    """One result in each of 30 seconds; those of the second ten are sharded."""
    stub = IndexStub()
    for number in range(30):
        Stored(number, number, 0.5, "a", late=False).store(stub, [PERIOD])
    return stub


@pytest.mark.parametrize(
    ("selection", "limit", "expected"),
    [
        (Selection(), 9, 1),  # only results after the period
        (Selection(until=second(8)), 5, 1),
        (Selection(since=second(12), until=second(18)), 6, 1 + len(SHARDS)),
        (Selection(), 15, 1 + 1 + len(SHARDS)),
        (Selection(hidden=True), 5, 1),
        (Selection(task=TASK, order="most-sure", until=second(9)), 2, 2),  # the filter drops the first
        (Selection(task=TASK, order="most-sure"), 1, 1 + len(SHARDS)),
    ],
)
def test_page_reads_shards_only_of_sharded_times(selection: Selection, limit: int, expected: int) -> None:
    stub = sharded()
    queries(stub, PERIOD).page(selection, limit)
    assert stub.queries == expected


def test_page_without_sharded_periods_is_one_request() -> None:
    stub = IndexStub()
    for number in range(60):
        Stored(number, number, 0.5, "a", late=False).store(stub, [])
    lists = queries(stub)
    _, cursor = lists.page(Selection(), 50)
    assert (stub.queries, cursor) == (
        1,
        to_cursor({"id": f"{10:032x}", "listing": "all", "created_at": second(10)}),
    )
    lists.page(Selection(), 5, cursor)
    assert stub.queries == 2


def test_error_of_one_shard_is_that_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    stub, query = sharded(), IndexStub.query

    def failing(self: IndexStub, **request: Any) -> Any:
        if request["ExpressionAttributeValues"][":partition"] == "all#5":
            raise RuntimeError("no answer")
        return query(self, **request)

    monkeypatch.setattr(IndexStub, "query", failing)
    with pytest.raises(RuntimeError, match="no answer"):
        queries(stub, PERIOD).page(Selection(until=second(15)))


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("shard", ["#0", "#f", "#"])
@pytest.mark.parametrize("at", ["0", "2026-01-01T00:00:19.9999999Z", second(15), second(25), "9998"])
def test_positions_of_other_times_are_ignored(order: Order, shard: str, at: str) -> None:
    """DynamoDB refuses keys that are not in the part of the index that is read."""
    for place in (second(5), second(15), "2026-01-01T00:00:09.9999999Z"):
        cursor = to_cursor({"listing": "all", "created_at": place, shard: f"{at} {'0' * 32}"})
        page, _ = queries(sharded(), PERIOD).page(Selection(order=order), 50, cursor)
        check_order(sharded(), Selection(order=order), [one["id"] for one in page])


@pytest.mark.parametrize("name", ["#g", "#00", "id2", ""])
def test_cursor_with_other_names_is_refused(name: str) -> None:
    cursor = to_cursor({"listing": "all", "created_at": second(15), name: f"{second(15)} 1"})
    with pytest.raises(InvalidRequest, match="cursor"):
        queries(sharded(), PERIOD).page(Selection(), 50, cursor)


@pytest.mark.parametrize("position", [second(15), f"{second(15)} ", "9999999 1", " 1", "1"])
def test_cursor_with_an_odd_position_is_refused(position: str) -> None:
    cursor = to_cursor({"listing": "all", "created_at": second(15), "#1": position})
    with pytest.raises(InvalidRequest, match="cursor"):
        queries(sharded(), PERIOD).page(Selection(), 50, cursor)


def test_longest_cursor_is_accepted_by_the_api() -> None:
    selection = Selection(task="x" * 63)
    position = Position(second(1), "f" * 32)
    place = Place(second(1), dict.fromkeys(("", *SHARDS), position))
    cursor = selection.cursor(place)
    assert len(cursor) <= MAX_CURSOR
    assert selection.place(cursor) == place
