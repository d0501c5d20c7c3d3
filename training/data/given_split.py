"""The split that comes with a data set, and the overlap of its test part with the rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.data.dataset import Record
from training.data.similarity import Similar


@dataclass(frozen=True)
class GivenSplit:
    """Overlap of the test part that comes with a data set with the rest."""

    test: int
    """Images of the given test part, as listed."""
    rest: int
    groups: int
    """Groups (patients) with images on both sides."""
    of_shared_groups: int
    """Images of the test part that belong to such groups."""
    copies: int
    """Images of the test part of which the rest has a copy."""
    similar: int | None
    """Images of the test part that nearly equal one of the rest, without copies; None if not searched."""

    def describe(self, kept: bool, removed: int) -> str:
        """The split in words; `kept` if it is used, with the number of images `removed` for it."""
        similar = "" if self.similar is None else f", {self.similar} nearly equal one"
        shared = (
            f"The given split tests on {self.test} images, {self.of_shared_groups} of them of {self.groups} "
            f"groups (patients) that are also in the other {self.rest} images; {self.copies} equal one of "
            f"those{similar}. "
        )
        if not (self.groups or self.copies or self.similar):
            shared = (
                f"The given split tests on {self.test} images, which share no group (patient) and no image "
                f"with the other {self.rest}. "
            )
        if kept:
            return shared + f"It is kept: {removed} images were removed from training and validation."
        return shared + "It is not used: all parts were drawn again, by group."


def examine(records: Sequence[Record], contents: Sequence[bytes]) -> GivenSplit | None:
    """Measure the overlap of the given test part by group and content; None if there is no such part."""
    test = [index for index, record in enumerate(records) if record.given == "test"]
    rest = [index for index, record in enumerate(records) if record.given != "test"]
    if not test or not rest:
        return None
    groups = {records[index].group for index in rest}
    others = {contents[index] for index in rest}
    shared = [records[index].group for index in test if records[index].group in groups]
    copies = sum(contents[index] in others for index in test)
    return GivenSplit(len(test), len(rest), len(set(shared)), len(shared), copies, None)


def count_similar(records: Sequence[Record], pairs: Iterable[Similar]) -> int:
    """How many images of the given test part nearly equal one of the rest."""
    found = set()
    for first, second, _ in pairs:
        tests = [index for index in (first, second) if records[index].given == "test"]
        if len(tests) == 1:
            found.add(tests[0])
    return len(found)


def find_leaking(records: Sequence[Record], grows: bool) -> set[int]:
    """Indices of the images outside the given test part whose group is in it.

    If that part `grows`, images without a part do not leak: they will join it.
    """
    groups = {record.group for record in records if record.given == "test"}
    inside = {"test", ""} if grows else {"test"}
    return {
        index for index, record in enumerate(records) if record.given not in inside and record.group in groups
    }
