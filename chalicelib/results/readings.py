"""The readings of an image: every judgement that people have made, and the one that counts, its review."""

from typing import cast

from chalicelib.errors import InvalidRequest, ReviewChanged, TooManyReadings
from chalicelib.limits import MAX_READINGS
from chalicelib.results.reading import Review, judgements, readers_of
from chalicelib.results.result_document import Result

NONE = "none"
"""Seen by a caller who saw that there was no review."""


def add(result: Result, reading: Review, seen: str | None, *, second: bool = False) -> Result:
    """Add a reading, which becomes the review.

    A reading that is already there is not added again: the answer to the first request may have been lost.
    Only a person's first reading of an image can be blind.

    Args:
        result: a classified image's result.
        reading: what a person says.
        seen: `reviewed_at` of the review that this person saw, or `NONE`; None to replace any review.
        second: leave the review as it is, if there is one. An adjudication becomes the review nevertheless.

    Raises:
        ReviewChanged: if the review is not the one that was seen.
        InvalidRequest: if the reading is an adjudication, but fewer than two people have read the image.
        TooManyReadings: if there is no room.
    """
    review, readings = result["review"], result["readings"]
    own = [earlier for earlier in readings if earlier["reviewer"] == reading["reviewer"]]
    if own:
        reading = _without(reading, "blind")
    standing = [earlier for earlier in own if "withdrawn" not in earlier]
    is_repeated = bool(standing) and _says_the_same(standing[-1], reading)
    if second and review and "adjudication" not in reading:
        return result if is_repeated else _with(result, review, _appended(readings, reading))
    # The review may say the same, but not this person's last reading, which left the review as it is.
    if review and is_repeated and _says_the_same(review, reading):
        return result
    check_seen(review, seen)
    if "adjudication" in reading and len(judgements(readings)) < 2:
        raise InvalidRequest("Fewer than two people have read this image, so there is nothing to settle.")
    return _with(result, reading, _appended(readings, reading))


def withdraw(result: Result, user: str, seen: str | None, restored: str | None = None) -> Result:
    """Withdraw the review, which stays among the readings.

    Args:
        result: a classified image's result.
        user: the person who withdraws it.
        seen: as for `add`.
        restored: `reviewed_at` of the reading that becomes the review again; None for none.

    Raises:
        ReviewChanged: if there is a review that is neither the one that was seen nor the one to restore, or
            another person has taken back the reading to restore.
        InvalidRequest: if there is no reading to restore.
    """
    review, readings = result["review"], result["readings"]
    earlier = [reading for reading in readings if reading["reviewed_at"] == restored]
    if restored and not earlier:
        raise InvalidRequest("This image has no reading from that time to restore.")
    if _time(review) == restored:  # the answer to the first request was lost
        return result
    check_seen(review, seen)
    if earlier and "withdrawn_by_reader" in earlier[0] and earlier[0]["reviewer"] != user:
        raise ReviewChanged(
            "The previous reading was withdrawn by its reader. Look at the image and decide again."
        )
    left = _without(earlier[0], "withdrawn", "withdrawn_by_reader") if earlier else None
    return _with(
        result,
        left,
        [
            left if left and _time(reading) == restored else _taken_back(reading, _time(review), user)
            for reading in readings
        ],
    )


def withdraw_own(result: Result, moment: str, reviewer: str) -> Result:
    """Withdraw a person's own reading, whether it is the review or not.

    Args:
        result: a classified image's result.
        moment: `reviewed_at` of the reading.
        reviewer: the person.

    Raises:
        InvalidRequest: if this person has no such reading.
    """
    review, readings = result["review"], result["readings"]
    if not any(_time(reading) == moment and reading["reviewer"] == reviewer for reading in readings):
        raise InvalidRequest("You have no reading of this image from that time.")
    left = None if _time(review) == moment else review
    return _with(result, left, [_taken_back(reading, moment, reviewer) for reading in readings])


def kept(earlier: Result, result: Result) -> Result:
    """The result of another model, with the readings of the earlier one."""
    return _with(result, earlier["review"], earlier["readings"])


def check_seen(review: Review | None, seen: str | None) -> None:
    """Make sure that nobody has changed the review since it was seen.

    Raises:
        ReviewChanged: if somebody has.
    """
    if seen is None or seen == (review["reviewed_at"] if review else NONE):
        return
    raise ReviewChanged(
        "This image has a new review. Look at it, and decide again."
        if review
        else "The review of this image has been withdrawn. Look at the image, and decide again."
    )


def _says_the_same(one: Review, other: Review) -> bool:
    return all(
        one.get(name) == other.get(name)
        for name in ("label", "comment", "reviewer", "adjudication", "withdrawn")
    )


def _time(reading: Review | None) -> str | None:
    return reading["reviewed_at"] if reading else None


def _taken_back(reading: Review, moment: str | None, user: str) -> Review:
    if reading["reviewed_at"] != moment:
        return reading
    withdrawn: Review = reading | {"withdrawn": True}
    return withdrawn | {"withdrawn_by_reader": True} if reading["reviewer"] == user else withdrawn


def _without(reading: Review, *names: str) -> Review:
    return cast(Review, {key: value for key, value in reading.items() if key not in names})


def _appended(readings: list[Review], reading: Review) -> list[Review]:
    if len(readings) >= MAX_READINGS:
        raise TooManyReadings(f"This image already has {MAX_READINGS} readings, the maximum.")
    return [*readings, reading]


def _with(result: Result, review: Review | None, readings: list[Review]) -> Result:
    readers = readers_of(review, readings)
    return cast(Result, {**result, "review": review, "readings": readings, **readers})
