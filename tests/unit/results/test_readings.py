"""The readings of an image, and which of them is the review."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import InvalidRequest, ReviewChanged, TooManyReadings
from chalicelib.limits import MAX_READINGS
from chalicelib.results import readings, result_document
from chalicelib.results.reading import Review, judgements
from chalicelib.results.readings import NONE
from chalicelib.results.result_document import Result

CLASSIFIED: Result = result_document.received("0" * 32, "chest-xray", "api") | {"status": "classified"}


def reading(label: str, reviewer: str = "ada", at: str = "2026-11-29T09:00:00Z") -> Review:
    return {"label": label, "comment": None, "reviewed_at": at, "reviewer": reviewer}


ADA, BOB = reading("normal"), reading("viral-pneumonia", "bob", "2026-11-29T10:00:00Z")
REVIEWED = readings.add(CLASSIFIED, ADA, NONE)
BOTH = readings.add(REVIEWED, BOB, None, second=True)
LATER = "2026-11-29T11:00:00Z"
WITHDRAWN: Any = {"withdrawn": True}
TAKEN_BACK: Any = {**WITHDRAWN, "withdrawn_by_reader": True}
BLIND: Any = {"blind": True}
SETTLED: Review = {**reading("viral-pneumonia", "cid", LATER), "adjudication": True}


def test_first_reading_becomes_the_review() -> None:
    assert (REVIEWED["review"], REVIEWED["readings"]) == (ADA, [ADA])


@pytest.mark.parametrize("seen", [ADA["reviewed_at"], None])
def test_reading_replaces_the_review_that_was_seen(seen: str | None) -> None:
    replaced = readings.add(REVIEWED, BOB, seen)

    assert (replaced["review"], replaced["readings"]) == (BOB, [ADA, BOB])


@pytest.mark.parametrize("seen", [NONE, "2026-11-29T08:00:00Z"])
@pytest.mark.parametrize(
    "change",
    [lambda seen: readings.add(REVIEWED, BOB, seen), lambda seen: readings.withdraw(REVIEWED, "cid", seen)],
)
def test_review_that_was_not_seen_is_kept(change: Callable[[str], Result], seen: str) -> None:
    with pytest.raises(ReviewChanged, match="This image has a new review"):
        change(seen)


def test_reading_is_refused_if_the_review_that_was_seen_is_withdrawn() -> None:
    with pytest.raises(ReviewChanged, match="has been withdrawn"):
        readings.add(readings.withdraw(REVIEWED, "cid", None), BOB, ADA["reviewed_at"])


def test_withdrawn_review_stays_among_the_readings() -> None:
    withdrawn = readings.withdraw(REVIEWED, "cid", ADA["reviewed_at"])

    assert (withdrawn["review"], withdrawn["readings"]) == (None, [ADA | WITHDRAWN])
    assert withdrawn["readers"] == []


def test_earlier_reading_can_become_the_review_again() -> None:
    replaced = readings.add(REVIEWED, BOB, None)
    restored = readings.withdraw(replaced, "cid", BOB["reviewed_at"], ADA["reviewed_at"])

    assert (restored["review"], restored["readings"]) == (ADA, [ADA, BOB | WITHDRAWN])
    again = readings.withdraw(readings.withdraw(restored, "cid", None), "cid", None, ADA["reviewed_at"])
    assert (again["review"], again["readings"]) == (ADA, [ADA, BOB | WITHDRAWN])
    assert readings.withdraw(restored, "cid", BOB["reviewed_at"], ADA["reviewed_at"]) == restored
    with pytest.raises(InvalidRequest, match="no reading from that time"):
        readings.withdraw(replaced, "cid", None, "2026-11-29T08:00:00Z")


@pytest.mark.parametrize(
    "take_back",
    [
        lambda result: readings.withdraw_own(result, ADA["reviewed_at"], "ada"),
        lambda result: readings.withdraw(result, "ada", None),
    ],
)
def test_reading_that_its_reader_has_taken_back_is_restored_for_nobody_else(
    take_back: Callable[[Result], Result],
) -> None:
    replaced = readings.add(take_back(REVIEWED), BOB, None)
    for user in ("bob", "cid"):
        with pytest.raises(ReviewChanged, match="withdrawn by its reader"):
            readings.withdraw(replaced, user, BOB["reviewed_at"], ADA["reviewed_at"])

    restored = readings.withdraw(replaced, "ada", BOB["reviewed_at"], ADA["reviewed_at"])
    assert (restored["review"], restored["readings"]) == (ADA, [ADA, BOB | WITHDRAWN])


def test_reading_that_is_taken_back_after_it_was_replaced_is_not_restored() -> None:
    replaced = readings.add(REVIEWED, BOB, None)
    taken_back = readings.withdraw_own(replaced, ADA["reviewed_at"], "ada")
    with pytest.raises(ReviewChanged, match="withdrawn by its reader"):
        readings.withdraw(taken_back, "bob", BOB["reviewed_at"], ADA["reviewed_at"])


def test_second_reading_leaves_the_review() -> None:
    both = readings.add(REVIEWED, BOB, NONE, second=True)

    assert (both["review"], both["readings"]) == (ADA, [ADA, BOB])
    assert (both["readers"], both["disagreement"]) == (["ada", "bob"], True)


def test_second_reading_of_an_image_without_review_becomes_the_review() -> None:
    assert readings.add(CLASSIFIED, BOB, NONE, second=True)["review"] == BOB


def test_requests_can_be_repeated() -> None:
    """The answer to the first one may have been lost."""
    assert readings.add(REVIEWED, reading("normal", at=LATER), NONE) == REVIEWED
    assert readings.add(BOTH, BOB | {"reviewed_at": LATER}, None, second=True) == BOTH
    withdrawn = readings.withdraw(REVIEWED, "cid", ADA["reviewed_at"])
    assert readings.withdraw(withdrawn, "cid", ADA["reviewed_at"]) == withdrawn
    settled = readings.add(BOTH, SETTLED, None)
    assert readings.add(settled, SETTLED | {"reviewed_at": "2026-11-29T12:00:00Z"}, NONE) == settled
    taken_back = readings.withdraw_own(BOTH, BOB["reviewed_at"], "bob")
    assert readings.withdraw_own(taken_back, BOB["reviewed_at"], "bob") == taken_back


def test_withdrawn_reading_can_be_made_again() -> None:
    taken_back = readings.withdraw_own(BOTH, BOB["reviewed_at"], "bob")
    again = readings.add(taken_back, BOB | {"reviewed_at": LATER}, None, second=True)

    assert [each["reviewed_at"] for each in again["readings"] if "withdrawn" not in each] == [
        ADA["reviewed_at"],
        LATER,
    ]
    assert again["readers"] == ["ada", "bob"]


@pytest.mark.parametrize("second", [False, True])
def test_reader_can_go_back_to_what_the_review_says(second: bool) -> None:
    changed = readings.add(REVIEWED, reading("viral-pneumonia", at=LATER), None, second=True)
    back = reading("normal", at="2026-11-29T12:00:00Z")

    again = readings.add(changed, back, None, second=second)

    assert again["review"] == (ADA if second else back)
    assert judgements(again["readings"]) == {"ada": back}
    assert readings.add(again, back | {"reviewed_at": "2026-11-29T13:00:00Z"}, None, second=second) == again


@pytest.mark.parametrize("second", [False, True])
def test_reading_that_stands_is_not_repeated_after_a_later_one_was_withdrawn(second: bool) -> None:
    changed = readings.add(REVIEWED, reading("viral-pneumonia", at=LATER), None, second=True)
    taken_back = readings.withdraw_own(changed, LATER, "ada")

    assert readings.add(taken_back, reading("normal", at="later"), None, second=second) == taken_back


def test_only_the_first_reading_of_a_person_is_blind() -> None:
    first = readings.add(REVIEWED, BOB | BLIND, None, second=True)
    assert first["readings"][-1] == BOB | BLIND
    assert readings.add(first, BOB | BLIND | {"reviewed_at": LATER}, None, second=True) == first

    withdrawn = readings.withdraw_own(first, BOB["reviewed_at"], "bob")
    again = readings.add(withdrawn, reading("normal", "bob", LATER) | BLIND, None, second=True)
    assert "blind" not in again["readings"][-1]


def test_reading_beside_the_review_can_be_withdrawn_by_its_reader() -> None:
    withdrawn = readings.withdraw_own(BOTH, BOB["reviewed_at"], "bob")
    assert (withdrawn["review"], withdrawn["readings"]) == (ADA, [ADA, BOB | TAKEN_BACK])
    assert (withdrawn["readers"], withdrawn["disagreement"]) == (["ada"], False)

    assert readings.withdraw_own(BOTH, ADA["reviewed_at"], "ada")["review"] is None
    with pytest.raises(InvalidRequest, match="You have no reading"):
        readings.withdraw_own(BOTH, BOB["reviewed_at"], "ada")


@pytest.mark.parametrize("second", [True, False])
def test_adjudication_becomes_the_review_and_settles_the_disagreement(second: bool) -> None:
    settled = readings.add(BOTH, SETTLED, ADA["reviewed_at"], second=second)

    assert (settled["review"], settled["readings"]) == (SETTLED, [ADA, BOB, SETTLED])
    assert (settled["readers"], settled["disagreement"]) == (["ada", "bob"], False)
    assert readings.withdraw(settled, "cid", None, ADA["reviewed_at"])["disagreement"]


def test_adjudication_needs_two_readers_and_the_review_that_was_seen() -> None:
    with pytest.raises(InvalidRequest, match="nothing to settle"):
        readings.add(REVIEWED, SETTLED, None)
    with pytest.raises(ReviewChanged):
        readings.add(BOTH, SETTLED, BOB["reviewed_at"])


def test_own_review_can_settle_as_it_is() -> None:
    """A reader who stands by the own reading says so again, and that settles it."""
    settled = readings.add(BOTH, {**reading("normal", at=LATER), "adjudication": True}, ADA["reviewed_at"])
    assert not settled["disagreement"]


def test_answer_of_another_model_keeps_the_readings() -> None:
    other = readings.kept(BOTH, CLASSIFIED)
    assert other == BOTH


@pytest.mark.parametrize("second", [True, False])
def test_number_of_readings_is_limited(second: bool) -> None:
    full: Result = REVIEWED | {"readings": [ADA] * MAX_READINGS}

    with pytest.raises(TooManyReadings, match=f"already has {MAX_READINGS} readings"):
        readings.add(full, BOB, None, second=second)
