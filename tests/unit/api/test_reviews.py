"""Reviews in JSON bodies."""

from contextlib import nullcontext
from typing import Any

import pytest

from chalicelib.api import reviews
from chalicelib.errors import InvalidRequest
from chalicelib.results import readings, result_document
from chalicelib.results.result_document import Result

RECEIVED = result_document.received("0" * 32, "chest-xray", "api")
CLASSIFIED: Result = RECEIVED | {"status": "classified"}


def test_review_has_the_time_and_the_user() -> None:
    review = reviews.read({"label": "normal", "comment": " "}, "user-1", None)
    assert review["reviewed_at"] >= RECEIVED["created_at"]
    assert review == {
        "label": "normal",
        "comment": None,
        "reviewed_at": review["reviewed_at"],
        "reviewer": "user-1",
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "'label' is missing"),
        ({"label": "normal", "comment": 1}, "'comment' must be a string"),
        ({"label": "normal", "reviewer": "someone else"}, "no member 'reviewer'"),
        ({"label": "normal", "blind": "yes"}, "'blind' must be true or false"),
        ({"label": "normal", "adjudication": 1}, "'adjudication' must be true or false"),
        ({"label": "normal", "blind": True, "adjudication": True}, "cannot be blind"),
    ],
)
def test_review_that_makes_no_sense_is_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        reviews.read(body, "user-1", None)


@pytest.mark.parametrize("name", ["blind", "adjudication"])
def test_review_says_how_it_was_made(name: str) -> None:
    for value, stored in ((True, True), (False, None), (None, None)):
        review = reviews.read({"label": "normal", name: value}, "user-1", None)
        assert review.get(name) is stored


def test_own_reading_is_withdrawn_without_further_conditions() -> None:
    reading = reviews.read({"label": "normal"}, "user-1", None)
    change = reviews.withdrawal({"reading": reading["reviewed_at"]}, "user-1")
    assert change(readings.add(CLASSIFIED, reading, None))["readers"] == []
    for other in ("seen", "restore"):
        with pytest.raises(InvalidRequest, match="neither with 'seen' nor with 'restore'"):
            reviews.withdrawal({"reading": reading["reviewed_at"], other: "then"}, "user-1")


def test_label_must_be_a_class_of_the_result_that_is_changed() -> None:
    for label, adds in (("normal", True), ("feet", False)):
        add = reviews.addition({}, reviews.read({"label": label}, "user-1", None))
        with nullcontext() if adds else pytest.raises(InvalidRequest, match=r"must be one of .*normal"):
            assert add(CLASSIFIED)["readers"] == ["user-1"]
