"""The readings of an image: every judgement that people have made, and the one that counts, its review."""

from chalicelib.errors import InvalidRequest, ReviewChanged, TooManyReadings
from chalicelib.limits import MAX_READINGS
from chalicelib.results.result_document import Result, Review

NONE = "none"
"""Seen by a caller who saw that there was no review."""


def add(result: Result, reading: Review, seen: str | None, *, second: bool = False) -> Result:
    """Add a reading, which becomes the review.

    A reading that is already there is not added again: the answer to the first request may have been lost.

    Args:
        result: a classified image's result.
        reading: what a person says.
        seen: `reviewed_at` of the review that this person saw, or `NONE`; None to replace any review.
        second: leave the review as it is, if there is one.

    Raises:
        ReviewChanged: if the review is not the one that was seen.
        TooManyReadings: if there is no room.
    """
    review, readings = result["review"], result["readings"]
    if second and review:
        own = [earlier for earlier in readings if earlier["reviewer"] == reading["reviewer"]]
        if own and _says_the_same(own[-1], reading):
            return result
        return result | {"readings": _appended(readings, reading)}
    if review and _says_the_same(review, reading):
        return result
    check_seen(review, seen)
    return result | {"review": reading, "readings": _appended(readings, reading)}


def withdraw(result: Result, seen: str | None, restored: str | None = None) -> Result:
    """Withdraw the review, which stays among the readings.

    Args:
        result: a classified image's result.
        seen: as for `add`.
        restored: `reviewed_at` of the reading that becomes the review again; None for none.

    Raises:
        ReviewChanged: if there is a review that is neither the one that was seen nor the one to restore.
        InvalidRequest: if there is no reading to restore.
    """
    earlier = [reading for reading in result["readings"] if reading["reviewed_at"] == restored]
    if restored and not earlier:
        raise InvalidRequest("This image has no reading from that time to restore.")
    review = earlier[0] if earlier else None
    if result["review"] != review:  # otherwise the answer to the first request was lost
        check_seen(result["review"], seen)
    return result | {"review": review}


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
    return all(one[name] == other[name] for name in ("label", "comment", "reviewer"))


def _appended(readings: list[Review], reading: Review) -> list[Review]:
    if len(readings) >= MAX_READINGS:
        raise TooManyReadings(f"This image already has {MAX_READINGS} readings, the maximum.")
    return [*readings, reading]
