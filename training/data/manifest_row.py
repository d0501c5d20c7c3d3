"""Rows: the description of one file by a manifest, a folder or a labelling job."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chalicelib.labelled_data.class_paths import GIVEN_PARTS, plain
from training.errors import TrainingError


class Row(NamedTuple):
    """One file, as a source describes it."""

    path: str
    """Relative to the data's folder, or a full address."""
    class_name: str
    """As the source spells it."""
    group: str = ""
    part: str = ""
    """The part of the source's own split (train, validation or test), if it has one."""
    attributes: tuple[tuple[str, str], ...] = ()
    left_out: str = ""
    """The reason why the file is not used (a key of findings.FINDINGS); empty if it is used."""
    sha256: str = ""
    """Of the file, in hexadecimal; only in the manifest of a preparation."""
    reviewed: bool = False
    """Whether the class comes from a review of this image and overrides that of the data."""
    reviewed_at: str = ""
    """In ISO 8601; empty if unknown."""
    before: str = ""
    """The class that a reviewed image has in the data; empty if it is not in the data."""


class Vocabulary:
    """The classes of a task, by all names that sources use for them."""

    def __init__(self, class_names: Sequence[str], aliases: Mapping[str, str] | None = None):
        """Take the task's classes and other names for them; case, blanks and hyphens do not matter.

        Images with a name that is an alias of "" are left out.

        Raises:
            TrainingError: if aliases of different classes differ only in case, blanks or signs.
        """
        self._class_names = class_names
        aliases = aliases or {}
        _check_aliases(aliases)
        self._labels = {plain(name): label for label, name in enumerate(class_names)}
        self._labels |= {
            plain(alias): self._labels[name] for alias, name in aliases.items() if name in class_names
        }
        self._without_class = {plain(alias) for alias, name in aliases.items() if not name}
        self._seen: dict[str, int | None] = {}

    def find(self, name: str) -> int | None:
        """The index of the class called `name`; None if there is none."""
        if name not in self._seen:
            self._seen[name] = self._labels.get(plain(name))
        return self._seen[name]

    def leaves_out(self, name: str) -> bool:
        """Whether images of the class called `name` are left out, because the task has no class for them."""
        return bool(self._without_class) and plain(name) in self._without_class

    def label(self, row: Row, source: str) -> int:
        """The index of a row's class.

        Raises:
            TrainingError: if the task does not have that class.
        """
        label = self.find(row.class_name)
        if label is None:
            raise TrainingError(
                f"{source} gives '{row.path}' the class '{row.class_name}', which the task does not have. "
                f"Its classes: {', '.join(self._class_names)}."
            )
        return label


def _check_aliases(aliases: Mapping[str, str]) -> None:
    """Refuse names that differ only in what does not matter, but belong to different classes."""
    first: dict[str, str] = {}
    for alias, name in aliases.items():
        other = first.setdefault(plain(alias), alias)
        if aliases[other] != name:
            raise TrainingError(
                f"The aliases '{other}' and '{alias}' belong to different classes, but differ only in case, "
                "blanks or signs, which do not count. Rename one of them."
            )


def given_part(path: str) -> str:
    """The part after which a folder in the path is named; empty if there is none."""
    return next((part for word in path.split("/")[:-1] if (part := GIVEN_PARTS.get(word.lower()))), "")
