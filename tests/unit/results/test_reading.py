"""Readings: who has read an image, and whether they agree."""

from typing import Any

import pytest

from chalicelib.results.reading import Review, judgements, readers_of, readings_of


def reading(reviewer: str, label: str, **marks: Any) -> Review:
    made: Review = {"label": label, "comment": None, "reviewed_at": "then", "reviewer": reviewer}
    return made | marks  # type: ignore[return-value]


def test_last_reading_that_stands_is_the_judgement_of_a_reader() -> None:
    readings = [
        reading("ada", "normal"),
        reading("bob", "normal"),
        reading("ada", "pneumonia"),
        reading("ada", "normal", withdrawn=True),
        reading("bob", "pneumonia", adjudication=True),
    ]
    assert {who: each["label"] for who, each in judgements(readings).items()} == {
        "ada": "pneumonia",
        "bob": "normal",
    }


@pytest.mark.parametrize(
    ("readings", "review", "readers", "disagreement"),
    [
        ([], None, [], False),
        ([reading("ada", "normal")], 0, ["ada"], False),
        ([reading("ada", "normal"), reading("ada", "pneumonia")], 1, ["ada"], False),
        ([reading("ada", "normal"), reading("bob", "normal")], 0, ["ada", "bob"], False),
        ([reading("ada", "normal"), reading("bob", "pneumonia")], 0, ["ada", "bob"], True),
        ([reading("ada", "normal"), reading("bob", "pneumonia")], None, ["ada", "bob"], True),
    ],
)
def test_readers_disagree_if_their_classes_differ(
    readings: list[Review], review: int | None, readers: list[str], disagreement: bool
) -> None:
    counts = None if review is None else readings[review]
    assert readers_of(counts, readings) == {"readers": readers, "disagreement": disagreement}


def test_results_of_earlier_versions_have_their_review_as_the_only_reading() -> None:
    review = reading("ada", "normal")
    assert readings_of({"review": review}) == [review]
    assert readings_of({"review": None}) == []
    assert readings_of({"review": None, "readings": [review]}) == [review]
