"""How often the readers of images agree, with each other and with the model."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Annotated, TypedDict

from chalicelib.json_schema import Schema
from chalicelib.proportion import Count, Proportion, proportion
from chalicelib.results.reading import judgements, readings_of
from chalicelib.results.result_document import ListedResult

Kappa = Annotated[float, Schema(minimum=-1, maximum=1)]

ATTRIBUTES = ("status", "label", "review", "readings", "created_at")
"""The attributes of results that are counted."""

_NORMAL_QUANTILE = 1.959964
"""The 97.5 % quantile of the normal distribution, for intervals of 95 %."""


class PairAgreement(TypedDict):
    """How often two readers, or a reader and the model, say the same class."""

    first: str
    """The reader, as readings name their reviewer."""
    second: str | None
    """The other reader; null for the model."""
    agreement: Proportion
    blind: Count
    """Of these images, those that every reader of the pair read blind. Others may have followed what they
    saw."""
    kappa: Kappa | None
    """Cohen's kappa; null without images, or if both said one and the same class every time."""
    low: Kappa | None
    """The lower end of its 95 % interval; null if it cannot be estimated, as where they always agree."""
    high: Kappa | None


class Agreement(TypedDict):
    """The agreement of everyone who read images of a task. What people settled later is not counted."""

    task: str
    images: Count
    """Images with a reading."""
    complete: bool
    """False if there was no time to read all images."""
    counted_from: str | None
    """The earliest arrival among the images counted; null without any."""
    names: dict[str, str]
    """What colleagues know readers by, where that is known, by the ids of the readers."""
    readers: list[PairAgreement]
    """Pairs of readers who read the same images."""
    model: list[PairAgreement]
    """Each reader and the model."""


class ReaderAgreement:
    """Counts what readers and the model say of each image."""

    def __init__(self, task: str):
        self._task = task
        self._pairs: dict[tuple[str, str | None], Counter[tuple[str, str]]] = {}
        self._blind: Counter[tuple[str, str | None]] = Counter()
        self._names: dict[str, str] = {}
        self._images = 0
        self._oldest: str | None = None

    def add(self, results: Iterable[ListedResult]) -> None:
        """Count classified images, of which no attributes are needed but `ATTRIBUTES`."""
        for result in results:
            said = judgements(readings_of(result))
            if not said:
                continue
            self._images += 1
            self._oldest = min(self._oldest or result["created_at"], result["created_at"])
            labels = {reader: reading["label"] for reader, reading in said.items()}
            blind = {reader for reader, reading in said.items() if "blind" in reading}
            self._names |= {
                reader: reading["reviewer_name"]
                for reader, reading in said.items()
                if "reviewer_name" in reading
            }
            for first, second in combinations(sorted(labels), 2):
                self._count((first, second), labels[first], labels[second], {first, second} <= blind)
            for reader, label in labels.items():
                if result["label"] is not None:
                    self._count((reader, None), label, result["label"], reader in blind)

    def document(self, *, complete: bool) -> Agreement:
        """The agreement so far.

        Args:
            complete: whether all images have been counted.
        """
        pairs = [self._pair(*names) for names in self._pairs]
        most_first = sorted(pairs, key=lambda pair: -pair["agreement"]["of"])
        return {
            "task": self._task,
            "images": self._images,
            "complete": complete,
            "counted_from": self._oldest,
            "names": self._names,
            "readers": [pair for pair in most_first if pair["second"] is not None],
            "model": [pair for pair in most_first if pair["second"] is None],
        }

    def _count(self, pair: tuple[str, str | None], one: str, other: str, blind: bool) -> None:
        self._pairs.setdefault(pair, Counter())[one, other] += 1
        self._blind[pair] += blind

    def _pair(self, first: str, second: str | None) -> PairAgreement:
        counts = self._pairs[first, second]
        agreed = sum(count for (one, other), count in counts.items() if one == other)
        kappa, low, high = cohen_kappa(counts)
        return {
            "first": first,
            "second": second,
            "agreement": proportion(agreed, counts.total()),
            "blind": self._blind[first, second],
            "kappa": kappa,
            "low": low,
            "high": high,
        }


def cohen_kappa(
    counts: Mapping[tuple[str, str], int],
) -> tuple[float | None, float | None, float | None]:
    """Cohen's kappa with its 95 % interval: agreement beyond what chance would give.

    Kappa is from Cohen, A coefficient of agreement for nominal scales, Educational and Psychological
    Measurement 20 (1960); its standard error from Fleiss, Cohen and Everitt, Large sample standard
    errors of kappa and weighted kappa, Psychological Bulletin 72 (1969), equation 13.

    Args:
        counts: the number of images by the classes that the two say.

    Returns:
        Kappa and the ends of its interval; None for what cannot be estimated.
    """
    total = sum(counts.values())
    if not total:
        return None, None, None
    shares = {pair: count / total for pair, count in counts.items()}
    rows: defaultdict[str, float] = defaultdict(float)
    columns: defaultdict[str, float] = defaultdict(float)
    for (one, other), share in shares.items():
        rows[one] += share
        columns[other] += share
    observed = sum(share for (one, other), share in shares.items() if one == other)
    expected = sum(share * columns[name] for name, share in rows.items())
    if math.isclose(expected, 1):
        return None, None, None
    kappa = (observed - expected) / (1 - expected)
    variance = -((kappa - expected * (1 - kappa)) ** 2)
    for (one, other), share in shares.items():
        if one == other:
            variance += share * (1 - (rows[one] + columns[one]) * (1 - kappa)) ** 2
        else:
            variance += share * ((1 - kappa) * (columns[one] + rows[other])) ** 2
    variance /= total * (1 - expected) ** 2
    if variance < 1e-12:  # rounding alone
        return round(kappa, 6), None, None
    margin = _NORMAL_QUANTILE * math.sqrt(variance)
    return round(kappa, 6), round(max(kappa - margin, -1), 6), round(min(kappa + margin, 1), 6)
