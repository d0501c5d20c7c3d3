"""Selections find in a copied table what DynamoDB finds in the table."""

from itertools import combinations
from typing import Any

import pytest

from chalicelib.exports.matching import matches
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from tests.unit.results.items import REVIEW, classified, result, second

pytestmark = pytest.mark.usefixtures("cloud")

MINE, YOURS = (
    {**REVIEW, "reviewer": who, "reviewer_name": name, "comment": comment}
    for who, name, comment in (("me", "Ada.Lovelace", "Seen TWICE"), ("you", "bob", None))
)
OTHER = {**YOURS, "label": "left-cc"}
RESULTS = (
    result(1),
    result(2, status="quarantined", needs_review=True),
    classified(3),
    classified(4, needs_review=True, model={"version": "v1", "sha256": "0", "backend": "embedded"}),
    classified(5, task="chest-xray", label="normal"),
    classified(6, review=MINE, readings=[MINE], readers=["me"]),
    classified(7, review=MINE, readings=[MINE, OTHER], readers=["me", "you"], disagreement=True),
    classified(8, review=YOURS, readings=[YOURS], readers=["you"], label="right-cc"),
)
FILTERS: dict[str, Any] = {
    "task": "mammography-views",
    "tasks": ("chest-xray", "retinal-oct"),
    "label": "left-cc",
    "reviewed_label": "right-cc",
    "model": "v1",
    "sha256": "0",
    "status": "classified",
    "needs_review": True,
    "reviewed": False,
    "read_by": "me",
    "not_read_by": "you",
    "min_readers": 1,
    "disagreement": False,
    "search": "twice",
    "since": second(4),
    "until": second(7),
}
OTHERS: tuple[dict[str, Any], ...] = (
    *({"tasks": ()}, {"min_readers": 2}, {"disagreement": True}, {"reviewed": True}, {"needs_review": False}),
    *(
        {"search": text}
        for text in ("Right CC", "bob", "Ada.Lovelace", "0000007", "seen twice", "Seen TWICE", "normal", "x")
    ),
)


@pytest.fixture
def stored(table: ResultsTable) -> ResultsTable:
    for one in RESULTS:
        table.finish(one)
    return table


def test_matching_agrees_with_the_queries_of_the_table(stored: ResultsTable) -> None:
    everything = list(stored.every())
    pairs = (dict(pair) for pair in combinations(FILTERS.items(), 2))
    seen = set()
    for wanted in ({}, *({name: value} for name, value in FILTERS.items()), *OTHERS, *pairs):
        if {"task", "tasks"} <= wanted.keys():
            continue  # a selection has one of them
        selection = Selection(**wanted)
        found = {one["id"] for one in stored.every(selection)}
        assert {one["id"] for one in everything if matches(selection, one)} == found, wanted
        seen.add(len(found))
    assert seen >= {0, 1, 2, 3, 8}


def test_every_filter_is_tried() -> None:
    assert {*FILTERS, "order", "hidden", "unindexed"} == set(Selection.__dataclass_fields__)
