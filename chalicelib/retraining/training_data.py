"""What a retraining of a task would learn from, counted without opening an image."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import UnknownModel, UnknownRetraining
from chalicelib.labelled_data.class_paths import class_finder
from chalicelib.models.registry import Registry
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.ground_truth import usable_review
from chalicelib.retraining.locations import DATASETS, LABELLED
from chalicelib.retraining.planning.builder import is_labelled_image
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.training_data_document import Counts, TrainingData
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import Task

MAX_SECONDS = 15.0
"""Time to count. API Gateway waits 29 s, some of which a cold start takes."""
MIN_OF_EACH_CLASS = 3
"""As `training.data.folds.check_enough_groups` demands: one for each part of the split."""
MIN_OF_LARGEST_CLASS = 10
"""As it demands of at least one class."""
MANIFEST = "manifest.csv"
OUTPUT_MANIFEST = "output.manifest"


@dataclass
class _Deadline:
    clock: Callable[[], float]
    end: float
    complete: bool = True

    def within[Item](self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, as long as there is time to read them."""
        for item in items:
            yield item
            if self.clock() > self.end:
                self.complete = False
                return


@dataclass(frozen=True)
class TrainingDataCounter:
    """Counts labelled images and reviews."""

    bucket: DataBucket
    table: ResultsTable
    registry: Registry
    repository: RetrainingRepository
    clock: Callable[[], float] = time.monotonic

    def count(self, task: Task) -> TrainingData:
        """What a retraining of `task` would learn from."""
        deadline = _Deadline(self.clock, self.clock() + MAX_SECONDS)
        model, since = self._trained(task)
        images, new_images = self._images(task, since, deadline)
        reviews, new_reviews = self._reviews(task, since, deadline)
        counts = (images, reviews, new_images, new_reviews)
        unplaced = images[""]
        known = {name: images[name] + reviews[name] for name in task.class_names}
        lacking = [name for name, number in known.items() if number < MIN_OF_EACH_CLASS]
        too_small = max(known.values()) < MIN_OF_LARGEST_CLASS
        # Preparation may find more than the paths show.
        unknown = unplaced > 0 or not deadline.complete
        return {
            "total": _counts(*(count.total() for count in counts)),
            "complete": deadline.complete,
            "classes": {name: _counts(*(count[name] for count in counts)) for name in task.class_names},
            "unplaced": unplaced,
            "model": model,
            "since": since,
            "demand": {"each_class": MIN_OF_EACH_CLASS, "largest_class": MIN_OF_LARGEST_CLASS},
            "lacking": [] if unknown else lacking,
            "enough": images.total() > 0 and (unknown or not (lacking or too_small)),
        }

    def _trained(self, task: Task) -> tuple[str | None, str | None]:
        """The current version, and when the retraining that made it read its data."""
        current = self.registry.current(task.name)
        if current is None:
            return None, None
        # Either may have been deleted.
        with suppress(UnknownModel, UnknownRetraining):
            if run := self.registry.record(task.name, current.version).get("run"):
                return current.version, self.repository.get(run)["started_at"]
        return current.version, None

    def _images(
        self, task: Task, since: str | None, deadline: _Deadline
    ) -> tuple[Counter[str], Counter[str]]:
        """Labelled images by class, "" if unknown: all, and those that were stored after `since`."""
        every, new = Counter[str](), Counter[str]()
        for place in (LABELLED, DATASETS):
            folder = f"{place}{task.name}/"
            stored = [
                (key.removeprefix(folder), at)
                for key, at in deadline.within(self.bucket.changes(folder))
                if is_labelled_image(key) or key.endswith((MANIFEST, OUTPUT_MANIFEST))
            ]
            paths = [path for path, _ in stored]
            listed = MANIFEST in paths or OUTPUT_MANIFEST in paths
            find_class = class_finder(paths, task.class_names)
            for path, at in stored:
                name = find_class(path)
                if name is not None:
                    name = "" if listed else name
                    every[name] += 1
                    new[name] += since is None or at > since
        return every, new

    def _reviews(
        self, task: Task, since: str | None, deadline: _Deadline
    ) -> tuple[Counter[str], Counter[str]]:
        """The same of the reviews that training can use."""
        every, new = Counter[str](), Counter[str]()
        wanted = Selection(task=task.name, reviewed=True)
        for page in deadline.within(self.table.pages(wanted, ("id", "status", "review"))):
            for result in page:
                if review := usable_review(task, result):
                    every[review["label"]] += 1
                    new[review["label"]] += since is None or review["reviewed_at"] > since
        return every, new


def _counts(images: int, reviews: int, new_images: int, new_reviews: int) -> Counts:
    return {"images": images, "reviews": reviews, "new_images": new_images, "new_reviews": new_reviews}
