"""Agreement of readers, and Cohen's kappa."""

import math
from typing import Any, cast

import pytest

from chalicelib.monitoring.agreement import ReaderAgreement, cohen_kappa
from chalicelib.results.reading import Review
from chalicelib.results.result_document import ListedResult


def test_kappa_of_a_table_worked_by_hand() -> None:
    """50 images. They agree on 20 + 15, so 0.7. The one says `a` of a half, the other of 0.6: by chance they
    agree on 0.5 * 0.6 + 0.5 * 0.4 = 0.5. Kappa is (0.7 - 0.5) / (1 - 0.5) = 0.4.
    """
    kappa, _, _ = cohen_kappa({("a", "a"): 20, ("a", "b"): 5, ("b", "a"): 10, ("b", "b"): 15})
    assert kappa == 0.4


@pytest.mark.parametrize(
    "table", [[[20, 5], [10, 15]], [[60, 9, 1], [14, 22, 6], [3, 8, 27]], [[5, 0], [3, 4]]]
)
def test_interval_of_kappa_agrees_with_the_delta_method(table: list[list[int]]) -> None:
    """The derivatives are taken numerically, so that nothing of the closed formula is used."""
    total = sum(map(sum, table))
    shares = [count / total for row in table for count in row]
    step = 1e-6
    slopes = [
        (kappa_of(raised(shares, cell, step)) - kappa_of(raised(shares, cell, -step))) / (2 * step)
        for cell in range(len(shares))
    ]
    mean = sum(share * slope for share, slope in zip(shares, slopes, strict=True))
    variance = sum(share * (slope - mean) ** 2 for share, slope in zip(shares, slopes, strict=True)) / total
    margin = 1.959964 * math.sqrt(variance)

    places = range(len(table))
    kappa, low, high = cohen_kappa(
        {(str(row), str(column)): table[row][column] for row in places for column in places}
    )
    assert kappa == pytest.approx(kappa_of(shares), abs=1e-6)
    assert low == pytest.approx(kappa_of(shares) - margin, abs=1e-5)
    assert high == pytest.approx(min(kappa_of(shares) + margin, 1), abs=1e-5)


def kappa_of(shares: list[float]) -> float:
    """Kappa of a square table, row by row, by its definition."""
    size = math.isqrt(len(shares))
    rows = [sum(shares[row * size : (row + 1) * size]) for row in range(size)]
    columns = [sum(shares[column::size]) for column in range(size)]
    expected = sum(row * column for row, column in zip(rows, columns, strict=True))
    return (sum(shares[:: size + 1]) - expected) / (1 - expected)


def raised(shares: list[float], cell: int, step: float) -> list[float]:
    """The shares with one of them changed, and the sum left at one."""
    changed = [share + step * (place == cell) for place, share in enumerate(shares)]
    return [share / (1 + step) for share in changed]


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [
        ({}, (None, None, None)),
        ({("a", "a"): 9}, (None, None, None)),
        ({("a", "a"): 4, ("b", "b"): 5}, (1.0, None, None)),
    ],
)
def test_kappa_is_null_where_it_cannot_be_estimated(counts: dict[Any, int], kappa: Any) -> None:
    assert cohen_kappa(counts) == kappa


def image(label: str, **said: str) -> ListedResult:
    readings = [reading(reader, what) for reader, what in said.items()]
    made = {"label": label, "review": readings[0] if readings else None, "readings": readings}
    return cast(ListedResult, {**made, "created_at": "2026-01-01"})


def reading(reader: str, label: str, **marks: Any) -> Review:
    return cast(Review, {"label": label, "comment": None, "reviewed_at": label, "reviewer": reader, **marks})


def test_readers_are_compared_with_each_other_and_with_the_model() -> None:
    found = ReaderAgreement("chest-xray")
    found.add([image("a", ada="a", bob="a"), image("a", bob="b", ada="a"), image("b", ada="b"), image("a")])
    document = found.document(complete=True)
    assert (document["images"], document["complete"]) == (3, True)
    (pair,) = document["readers"]
    assert (pair["first"], pair["second"]) == ("ada", "bob")
    assert (pair["agreement"]["count"], pair["agreement"]["of"]) == (1, 2)
    counts = {
        each["first"]: (each["agreement"]["count"], each["agreement"]["of"]) for each in document["model"]
    }
    assert counts == {"ada": (3, 3), "bob": (1, 2)}


def test_readers_have_the_names_in_their_readings() -> None:
    found = ReaderAgreement("chest-xray")
    first, second = image("a", ada="a", bob="a"), image("a", ada="a")
    second["readings"][0]["reviewer_name"] = "ada.lovelace"  # type: ignore[typeddict-item]
    found.add([first, second])
    assert found.document(complete=True)["names"] == {"ada": "ada.lovelace"}


def test_only_readings_that_stand_are_counted_and_blind_ones_are_told() -> None:
    found = ReaderAgreement("chest-xray")
    both = image("a", ada="a")
    both["readings"] = [  # type: ignore[typeddict-unknown-key]
        reading("ada", "b", withdrawn=True),
        reading("ada", "a", blind=True),
        reading("bob", "a", blind=True),
        reading("cid", "b", adjudication=True),
    ]
    found.add([both])
    (pair,) = found.document(complete=False)["readers"]
    assert (pair["agreement"]["count"], pair["blind"]) == (1, 1)
