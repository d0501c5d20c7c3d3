"""A reading: what one person says about an image. The reading that counts is the image's review."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NotRequired, TypedDict


class Review(TypedDict):
    """A person's judgement of a classified image."""

    label: str
    """The class that the person says is right."""
    comment: str | None
    reviewed_at: str
    reviewer: str
    """The user pool's id of the person; `local` without login."""
    reviewer_name: NotRequired[str]
    """What colleagues know the person by: the e-mail address up to the @, in lower case. Absent without
    login, and in readings of earlier versions of this application."""
    blind: NotRequired[Literal[True]]
    """The person had not read the image before, and says that neither the model's answer nor other readings
    were shown. Absent if not."""
    adjudication: NotRequired[Literal[True]]
    """The person settled a disagreement, and knew the other readings. Absent if not."""
    withdrawn: NotRequired[Literal[True]]
    """The reading was taken back. Absent if not."""
    withdrawn_by_reader: NotRequired[Literal[True]]
    """The person who made the reading took it back, so that nobody else can restore it. Absent if not."""


class Readers(TypedDict):
    """What follows from the readings of an image; see `ListedResult`."""

    readers: list[str]
    disagreement: bool


def judgements(readings: Iterable[Review]) -> dict[str, Review]:
    """What each reader says in the end: the last own reading that stands, by reader.

    Adjudications are left out: their authors chose between readings that they knew.
    """
    own = [each for each in readings if not each.get("adjudication") and not each.get("withdrawn")]
    return {reading["reviewer"]: reading for reading in own}


def readers_of(review: Review | None, readings: Iterable[Review]) -> Readers:
    """Who has read an image, given its review and its readings."""
    found = judgements(readings)
    is_settled = review is not None and "adjudication" in review
    labels = {reading["label"] for reading in found.values()}
    return {"readers": list(found), "disagreement": len(labels) > 1 and not is_settled}


def readings_of(stored: Mapping[str, Any]) -> list[Review]:
    """The readings in a stored result; earlier versions of this application stored only the review."""
    review = stored.get("review")
    readings: list[Review] = stored.get("readings", [review] if review else [])
    return readings
