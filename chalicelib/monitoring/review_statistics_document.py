"""Shapes of the comparison of a model with the people who review its answers."""

from typing import Annotated, TypedDict

from chalicelib.json_schema import Schema
from chalicelib.proportion import Count, Proportion, Share


class ClassStatistics(TypedDict):
    """How well the model finds one class, if the reviews are right."""

    name: str
    sensitivity: Proportion
    """Of the images that were reviewed as this class, those that the model gave it."""
    specificity: Proportion
    """Of the images that were reviewed as another class, those that the model did not give it."""


class FindingStatistics(TypedDict):
    """How well the model tells images with any finding from those without, if the reviews are right."""

    negative: str
    """The class that means "nothing found"."""
    sensitivity: Proportion
    specificity: Proportion


class CalibrationBin(TypedDict):
    """Reviewed answers of similar probability."""

    low: Share
    high: Share
    confidence: Share
    """Mean probability of the answers."""
    agreement: Proportion


class ReviewedWeek(TypedDict):
    """Reviewed answers to the images that arrived in one week."""

    monday: Annotated[str, Schema(format="date")]
    """The first day of the week, in UTC."""
    agreement: Proportion


class GroupStatistics(TypedDict):
    """A model's answers to a group of images, compared with their reviews."""

    answers: Count
    """Reviewed or not."""
    agreement: Proportion
    """Of the reviewed answers, those that the review confirms."""
    confusion: list[list[Count]]
    """Numbers of reviewed images: a row for each class of the review, a column for each class of the model,
    both in the order of `classes`."""
    per_class: list[ClassStatistics]
    finding: FindingStatistics | None
    """Null for a task without a class that means "nothing found"."""
    calibration: list[CalibrationBin]
    """Reviewed answers by tenths of the probability; tenths without any are left out."""
    calibration_error: Share | None
    """Expected calibration error: the mean gap between probability and agreement, weighted by the number of
    answers. Null without reviewed answers."""
    weeks: list[ReviewedWeek]
    """In order; weeks without reviewed images are left out."""


class ProbabilityCounts(TypedDict):
    """Numbers of answers by the probability of their class: 100 each, for 0 to 0.01, 0.01 to 0.02, ..."""

    answers: list[Count]
    reviewed: list[Count]
    agreed: list[Count]
    """Confirmed by their review."""


class ReviewedModel(TypedDict):
    """A version of the model that classified images of the period."""

    version: str
    answers: Count
    reviewed: Count


class ReviewStatistics(TypedDict):
    """A model's answers, compared with people's reviews.

    Reviewed images are no random sample: those that were marked for review are reviewed more often. So the
    numbers of all images are also given for the images that were marked and for those that were not.
    """

    task: str
    classes: list[str]
    model: str | None
    """The version whose answers are counted; null for those of all versions."""
    complete: bool
    """Whether all images of the period were counted. If there were too many for one request, only the latest
    were."""
    counted_from: str | None
    """When the oldest counted image arrived; null without any."""
    outdated: Count
    """Answers and reviews that name a class which the task no longer has; they are not counted."""
    all: GroupStatistics
    marked: GroupStatistics
    """Images that the model marked for review."""
    unmarked: GroupStatistics
    probabilities: ProbabilityCounts
    """Of all images."""
    models: list[ReviewedModel]
    """All versions with answers in the period, whichever is counted; the one with the latest answer first."""
