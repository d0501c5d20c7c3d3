"""Compares a model's answers with the reviews of people, who are taken to be right."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from chalicelib.monitoring.review_statistics_document import (
    CalibrationBin,
    ClassStatistics,
    FindingStatistics,
    GroupStatistics,
    ProbabilityCounts,
    ReviewStatistics,
)
from chalicelib.proportion import Proportion, proportion
from chalicelib.results.result_document import ListedResult
from chalicelib.tasks import Task

_TENTHS, _HUNDREDTHS = 10, 100


class ReviewComparison:
    """Counts answers, and what their reviews say."""

    def __init__(self, task: Task, model: str | None = None):
        """Count the answers of one version of the model; None for all versions."""
        self._task = task
        self._model = model
        self._groups = {marked: _Group(task.class_names, task.negative) for marked in (None, True, False)}
        """By whether the images are marked for review; None for all."""
        self._probabilities: ProbabilityCounts = {
            "answers": [0] * _HUNDREDTHS,
            "reviewed": [0] * _HUNDREDTHS,
            "agreed": [0] * _HUNDREDTHS,
        }
        self._answers: Counter[str] = Counter()
        self._reviewed: Counter[str] = Counter()
        self._outdated = 0
        self._oldest: str | None = None

    def add(self, answers: Iterable[ListedResult]) -> None:
        """Count classified images, of which no attributes are needed but those in `ATTRIBUTES`."""
        for answer in answers:
            if answer["model"] is None:
                continue
            version = answer["model"]["version"]
            self._answers[version] += 1
            self._reviewed[version] += answer["review"] is not None
            if self._model in (None, version):
                self._add(answer)

    def document(self, *, complete: bool) -> ReviewStatistics:
        """The comparison so far.

        Args:
            complete: whether all images have been counted.
        """
        return {
            "task": self._task.name,
            "classes": list(self._task.class_names),
            "model": self._model,
            "complete": complete,
            "counted_from": self._oldest,
            "outdated": self._outdated,
            "all": self._groups[None].document(),
            "marked": self._groups[True].document(),
            "unmarked": self._groups[False].document(),
            "probabilities": self._probabilities,
            "models": [
                {"version": version, "answers": answers, "reviewed": self._reviewed[version]}
                for version, answers in self._answers.items()
            ],
        }

    def _add(self, answer: ListedResult) -> None:
        created_at, label, review = answer["created_at"], answer["label"], answer["review"]
        self._oldest = min(self._oldest or created_at, created_at)
        classes = self._task.class_names
        if label not in classes or (review and review["label"] not in classes):
            self._outdated += 1
            return
        probability = answer["probability"] or 0.0
        for marked in (None, answer["needs_review"]):
            group = self._groups[marked]
            group.answers += 1
            if review:
                group.add(label, review["label"], probability, created_at)
        place = _place(probability, _HUNDREDTHS)
        self._probabilities["answers"][place] += 1
        if review:
            self._probabilities["reviewed"][place] += 1
            self._probabilities["agreed"][place] += label == review["label"]


ATTRIBUTES = ("status", "label", "probability", "needs_review", "review", "model", "created_at")
"""The attributes of results that a comparison needs."""


class _Group:
    """Counts of a group of images; `answers` are reviewed or not, all others are."""

    def __init__(self, classes: Sequence[str], negative: str | None):
        self._classes = classes
        self._negative = negative
        self.answers = 0
        self._pairs: Counter[tuple[str, str]] = Counter()
        """By the classes that the review and the model give."""
        self._tenths: list[list[tuple[float, bool]]] = [[] for _ in range(_TENTHS)]
        """Probability, and whether the review agrees."""
        self._weeks: dict[str, list[bool]] = {}

    def add(self, label: str, reviewed: str, probability: float, created_at: str) -> None:
        agreed = label == reviewed
        self._pairs[reviewed, label] += 1
        self._tenths[_place(probability, _TENTHS)].append((probability, agreed))
        self._weeks.setdefault(_monday(created_at), []).append(agreed)

    def document(self) -> GroupStatistics:
        calibration = list(self._calibration())
        reviewed = self._pairs.total()
        gaps = sum(
            abs(each["confidence"] * each["agreement"]["of"] - each["agreement"]["count"])
            for each in calibration
        )
        return {
            "answers": self.answers,
            "agreement": proportion(sum(self._pairs[name, name] for name in self._classes), reviewed),
            "confusion": [[self._pairs[row, column] for column in self._classes] for row in self._classes],
            "per_class": [self._class(name) for name in self._classes],
            "finding": self._finding(),
            "calibration": calibration,
            "calibration_error": round(gaps / reviewed, 6) if reviewed else None,
            "weeks": [
                {"monday": monday, "agreement": _agreement(agreed)}
                for monday, agreed in sorted(self._weeks.items())
            ],
        }

    def _class(self, name: str) -> ClassStatistics:
        return {
            "name": name,
            "sensitivity": self._given({name}),
            "specificity": self._given(set(self._classes) - {name}),
        }

    def _finding(self) -> FindingStatistics | None:
        if self._negative is None:
            return None
        found = set(self._classes) - {self._negative}
        return {
            "negative": self._negative,
            "sensitivity": self._given(found),
            "specificity": self._given({self._negative}),
        }

    def _given(self, names: set[str]) -> Proportion:
        """Of the images that were reviewed as one of some classes, those that the model gave one of them."""
        rows = [(label, count) for (reviewed, label), count in self._pairs.items() if reviewed in names]
        return proportion(
            sum(count for label, count in rows if label in names), sum(count for _, count in rows)
        )

    def _calibration(self) -> Iterable[CalibrationBin]:
        for place, answers in enumerate(self._tenths):
            if answers:
                yield {
                    "low": place / _TENTHS,
                    "high": (place + 1) / _TENTHS,
                    "confidence": round(sum(probability for probability, _ in answers) / len(answers), 6),
                    "agreement": _agreement([agreed for _, agreed in answers]),
                }


def _agreement(agreed: Sequence[bool]) -> Proportion:
    return proportion(sum(agreed), len(agreed))


def _place(probability: float, bins: int) -> int:
    """The bin of a probability, which results give with six decimals; 0.29 * 100 is a little below 29."""
    return min(int(probability * bins + 1e-7), bins - 1)


def _monday(created_at: str) -> str:
    day = datetime.fromisoformat(created_at).date()
    return (day - timedelta(days=day.weekday())).isoformat()
