"""The readings of an image, and which of them is the review."""

from collections.abc import Callable

import pytest

from chalicelib.errors import InvalidRequest, ReviewChanged, TooManyReadings
from chalicelib.limits import MAX_READINGS
from chalicelib.results import readings, result_document
from chalicelib.results.readings import NONE
from chalicelib.results.result_document import Result, Review

CLASSIFIED: Result = result_document.received("0" * 32, "chest-xray", "api") | {"status": "classified"}


def reading(label: str, reviewer: str = "ada", at: str = "2026-11-29T09:00:00Z") -> Review:
    return {"label": label, "comment": None, "reviewed_at": at, "reviewer": reviewer}


ADA, BOB = reading("normal"), reading("viral-pneumonia", "bob", "2026-11-29T10:00:00Z")
REVIEWED = readings.add(CLASSIFIED, ADA, NONE)


def test_first_reading_becomes_the_review() -> None:
    assert (REVIEWED["review"], REVIEWED["readings"]) == (ADA, [ADA])


@pytest.mark.parametrize("seen", [ADA["reviewed_at"], None])
def test_reading_replaces_the_review_that_was_seen(seen: str | None) -> None:
    replaced = readings.add(REVIEWED, BOB, seen)

    assert (replaced["review"], replaced["readings"]) == (BOB, [ADA, BOB])


@pytest.mark.parametrize("seen", [NONE, "2026-11-29T08:00:00Z"])
@pytest.mark.parametrize(
    "change",
    [lambda seen: readings.add(REVIEWED, BOB, seen), lambda seen: readings.withdraw(REVIEWED, seen)],
)
def test_review_that_was_not_seen_is_kept(change: Callable[[str], Result], seen: str) -> None:
    with pytest.raises(ReviewChanged, match="This image has a new review"):
        change(seen)


def test_reading_is_refused_if_the_review_that_was_seen_is_withdrawn() -> None:
    with pytest.raises(ReviewChanged, match="has been withdrawn"):
        readings.add(readings.withdraw(REVIEWED, None), BOB, ADA["reviewed_at"])


def test_withdrawn_review_stays_among_the_readings() -> None:
    withdrawn = readings.withdraw(REVIEWED, ADA["reviewed_at"])

    assert (withdrawn["review"], withdrawn["readings"]) == (None, [ADA])


def test_earlier_reading_can_become_the_review_again() -> None:
    replaced = readings.add(REVIEWED, BOB, None)
    restored = readings.withdraw(replaced, BOB["reviewed_at"], ADA["reviewed_at"])

    assert (restored["review"], restored["readings"]) == (ADA, [ADA, BOB])
    assert readings.withdraw(restored, BOB["reviewed_at"], ADA["reviewed_at"]) == restored
    with pytest.raises(InvalidRequest, match="no reading from that time"):
        readings.withdraw(replaced, None, "2026-11-29T08:00:00Z")


def test_second_reading_leaves_the_review() -> None:
    both = readings.add(REVIEWED, BOB, NONE, second=True)

    assert (both["review"], both["readings"]) == (ADA, [ADA, BOB])


def test_second_reading_of_an_image_without_review_becomes_the_review() -> None:
    assert readings.add(CLASSIFIED, BOB, NONE, second=True)["review"] == BOB


def test_requests_can_be_repeated() -> None:
    """The answer to the first one may have been lost."""
    later = "2026-11-29T11:00:00Z"

    assert readings.add(REVIEWED, reading("normal", at=later), NONE) == REVIEWED
    both = readings.add(REVIEWED, BOB, None, second=True)
    assert readings.add(both, BOB | {"reviewed_at": later}, None, second=True) == both
    withdrawn = readings.withdraw(REVIEWED, ADA["reviewed_at"])
    assert readings.withdraw(withdrawn, ADA["reviewed_at"]) == withdrawn


@pytest.mark.parametrize("second", [True, False])
def test_number_of_readings_is_limited(second: bool) -> None:
    full: Result = REVIEWED | {"readings": [ADA] * MAX_READINGS}

    with pytest.raises(TooManyReadings, match=f"already has {MAX_READINGS} readings"):
        readings.add(full, BOB, None, second=second)
