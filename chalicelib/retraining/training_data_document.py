"""What the API tells about the data that a retraining would learn from."""

from typing import TypedDict


class Counts(TypedDict):
    """A number of images by origin, and how many of them the current model has not seen."""

    images: int
    """Labelled images."""
    reviews: int
    """Reviewed results that training can use."""
    new_images: int
    """Stored since the data of the current model were read."""
    new_reviews: int


class Demand(TypedDict):
    """What a start demands."""

    each_class: int
    """Images or reviews of every class, of different patients."""
    largest_class: int
    """Images or reviews of at least one class."""


class TrainingData(TypedDict):
    """What a retraining would learn from."""

    total: Counts

    complete: bool
    """Whether everything was counted; if not, there is at least this much."""
    classes: dict[str, Counts]
    """Labelled images whose class their path shows, and reviews, by class in the order of the task."""
    unplaced: int
    """Labelled images whose class their path does not show; those of a manifest, for example."""
    model: str | None
    """The version that is current; null if there is none."""
    since: str | None
    """When the data of the current model were read; null if no retraining made it, so that every image and
    review counts as new."""
    demand: Demand
    lacking: list[str]
    """Classes of which there is too little. Empty while the class of some images is unknown."""
    enough: bool
    """Whether a retraining can begin, as far as can be told from here."""
